"""The check that no text of the program is left without Chinese."""

from __future__ import annotations

from babel.messages.catalog import Catalog

from runtime.translations import find_faults


def catalog(*messages: tuple[str, str, set[str]]) -> Catalog:
    made = Catalog(locale="zh_CN")
    for text, chinese, flags in messages:
        made.add(text, string=chinese, flags=flags)
    return made


def test_every_text_confirmed_in_chinese_is_faultless():
    template = catalog(("Save", "", set()))
    assert find_faults(template, catalog(("Save", "保存", set()))) == []


def test_missing_empty_fuzzy_and_broken_texts_are_named():
    template = catalog(
        ("Save", "", set()),
        ("Close", "", set()),
        ("Pay", "", set()),
        ("Voucher %(no)s", "", {"python-format"}),
    )
    chinese = catalog(
        ("Close", "", set()),
        ("Pay", "支付", {"fuzzy"}),
        ("Voucher %(no)s", "券 %(number)s", {"python-format"}),
    )
    assert find_faults(template, chinese) == [
        "missing: 'Save'",
        "missing: 'Close'",
        "fuzzy: 'Pay'",
        "its placeholders differ: 'Voucher %(no)s'",
    ]
