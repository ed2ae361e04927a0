"""A list or a report is narrowed to what is beyond the end of the list of choices."""

from __future__ import annotations

import re

from tests.views.choosing.typing_in import (
    merchant_of,
    named,
    typed,
    value_in,
)


def test_a_list_is_narrowed_to_the_last_of_many(many, admin, crowd, make, database):
    last, path = crowd[-1], "/console/pay-points/list/"
    point = make.pay_point(last)
    page = admin.get(path).text
    assert 'data-choices="/console/choices/merchants/"' in page
    name = merchant_of(database, last).name
    meant = admin.get(path, query_string={**typed("merchant_id", name), "status": "active"})
    assert meant.status_code == 302
    assert meant.location.endswith(f"{path}?status=active&merchant_id={last.merchant_id}")
    narrowed = admin.get(meant.location).text
    assert f"商户：{name}" in narrowed
    assert value_in(narrowed, "merchant_id") == str(last.merchant_id)
    assert value_in(narrowed, "merchant_id-typed") == name
    assert point.token in narrowed
    # Sent again as it stands, and with another one in its place, and emptied.
    kept = {"merchant_id": str(last.merchant_id), "merchant_id-typed": name}
    same = admin.get(path, query_string={**kept, "merchant_id-said": name})
    assert same.location.endswith(f"{path}?merchant_id={last.merchant_id}")
    other = merchant_of(database, crowd[0])
    changed = {**kept, "merchant_id-said": name, "merchant_id-typed": other.name}
    assert admin.get(path, query_string=changed).location.endswith(f"?merchant_id={other.id}")
    emptied = {**kept, "merchant_id-said": name, "merchant_id-typed": ""}
    assert admin.get(path, query_string=emptied).location.endswith(path)


def test_a_filter_in_doubt_shows_what_fits_and_nobodys_rows(many, admin, make):
    name = named()
    stores = [make.store(make.merchant(name=name)) for _ in range(2)]
    path = "/console/stores/list/"
    page = admin.get(path, query_string=typed("merchant_id", name))
    if page.status_code == 302:  # The empty id is left out of the address first.
        page = admin.get(page.location)
    links = re.findall(rf'class="chip" href="{path}\?merchant_id=(\d+)"', page.text)
    assert links == [str(store.merchant_id) for store in stores]
    assert f"有多项符合“{name}”" in page.text
    assert "<tbody>" not in page.text
    nobody = admin.get(f"{path}?merchant_id-typed={named('没有')}")
    assert nobody.status_code == 200
    assert "没有找到" in nobody.text


def test_a_report_is_narrowed_by_a_typed_name(many, admin, crowd, database):
    merchant = merchant_of(database, crowd[-1])
    path = "/console/reports/?report=takings"
    meant = admin.get(f"{path}&merchant_id-typed={merchant.name}")
    assert meant.location.endswith(f"merchant_id={merchant.id}")
    page = admin.get(meant.location).text
    assert value_in(page, "merchant_id-typed") == merchant.name
    unknown = admin.get(f"{path}&merchant_id-typed={named('没有')}")
    assert (unknown.status_code, "没有找到" in unknown.text) == (200, True)
    assert "/console/saved-reports/add" in page
    assert "/console/saved-reports/add" not in unknown.text  # Saved, it would be everybody's.
