"""The table of error codes in docs/api.md. Write it anew: python -m tests.docs.error_table"""

from __future__ import annotations

import importlib
import pkgutil
from http import HTTPStatus
from pathlib import Path

from babel.messages.pofile import read_po

import app
from app.core.errors import DomainError
from app.web import errors

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "api.md"
BEGIN = "<!-- error codes: written by tests/docs/error_table.py -->\n"
END = "<!-- end of error codes -->\n"


def refusals() -> dict[str, type[DomainError]]:
    """Every refusal of the program, by its code."""
    for module in pkgutil.walk_packages(app.__path__, "app."):
        if not module.name.startswith("app.wechat_simulator"):
            importlib.import_module(module.name)
    found: dict[str, type[DomainError]] = {}
    waiting = list(DomainError.__subclasses__())
    while waiting:
        refusal = waiting.pop()
        waiting += refusal.__subclasses__()
        if refusal.__module__.startswith("app.") and hasattr(refusal, "code"):
            found[refusal.code] = refusal
    return found


def render_table() -> str:
    with (ROOT / "translations/zh_CN/LC_MESSAGES/messages.po").open("rb") as file:
        chinese = read_po(file, locale="zh_CN")
    known = refusals()
    rows = [
        (refusal.category.value, code, str(chinese[refusal.template].string))
        for code, refusal in known.items()
    ]
    for status, sentence in errors._SENTENCES.items():
        code = errors._CODES.get(status, HTTPStatus(status).phrase.lower().replace(" ", "_"))
        if code not in known:
            rows.append((status, code, str(chinese[sentence].string)))
    rows.append((503, "not_ready", "`/readyz`：`reasons` 说明原因。"))
    lines = ["| 状态 | `code` | `detail` |", "| --- | --- | --- |"]
    lines += [f"| {status} | `{code}` | {sentence} |" for status, code, sentence in sorted(rows)]
    return "\n".join(lines) + "\n"


def main() -> None:
    text = PAGE.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{render_table()}\n{END}{after}")


if __name__ == "__main__":
    main()
