"""What `make run` shows once the program answers: where to begin, and as whom."""

from __future__ import annotations

import unicodedata

from config import Settings

ACCOUNTS = (
    ("platform", "平台运营", "platform operator"),
    ("finance", "平台财务", "platform finance, the second person"),
    ("editor", "内容编辑", "content editor"),
    ("auditor", "审计", "auditor"),
    ("merchant1", "商户一管理员", "administrator of merchant 1"),
    ("merchant2", "商户二管理员", "administrator of merchant 2"),
    ("store1", "商户一门店店长", "store manager, merchant 1"),
    ("cashier1", "商户一收银员", "cashier, merchant 1"),
    ("cashier2", "商户二收银员", "cashier, merchant 2"),
)


def start_page(settings: Settings) -> list[str]:
    """The lines to print: one address, and in demo mode the accounts."""
    lines = ["", f"  卡券通已启动 / Kaquan is running:  {settings.public_base_url}/", ""]
    if settings.demo:
        lines += ["  演示账号 / demo accounts", ""]
        for name, chinese, english in ACCOUNTS:
            lines.append(f"    {_wide(name, 12)}{_wide(chinese, 18)}{english}")
        lines += ["", f"  密码 / password:  {settings.demo_password}", ""]
    return [*lines, "  按 Ctrl-C 停止 / Ctrl-C stops everything", ""]


def _wide(text: str, width: int) -> str:
    """Padded to so many columns; a Chinese character takes two."""
    columns = sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
    return text + " " * max(0, width - columns)
