"""What is typed into a field, and what a page says of it."""

from __future__ import annotations

import html
import re
import secrets

from app.core.actor import SYSTEM
from app.models.tenants import Merchant
from app.models.vouchers import VoucherBatch

NEW_BATCH = "/console/voucher-batches/new"
PICKS = re.compile(r'name="(\w+)-picked" value="(\w+)"')


def named(word: str = "青禾") -> str:
    """A name that nothing else in the database has; without letters, for pages are Chinese."""
    return f"{word}{secrets.randbelow(10**12):012}"


def wrong(page: str) -> list[str]:
    return re.findall(r'id="(\w+)-wrong"', page)


def value_in(page: str, name: str) -> str:
    """What stands in an input."""
    found = re.search(rf'<input[^>]* name="{name}"[^>]*>', page)
    assert found is not None, f"there is no {name}"
    value = re.search(r' value="([^"]*)"', found.group(0))
    return html.unescape(value.group(1)) if value else ""


def merchant_of(database, store) -> Merchant:
    with database.unit_of_work(SYSTEM) as session:
        return session.get_one(Merchant, store.merchant_id)


def drafted(answer, database) -> VoucherBatch:
    assert answer.status_code == 302, wrong(answer.text)
    with database.unit_of_work(SYSTEM) as session:
        return session.get_one(VoucherBatch, int(answer.location.rsplit("/", 1)[1]))


def typed(name: str, text: str, *, said: str = "") -> dict[str, str]:
    """A field as a browser without the script sends it."""
    return {name: "", f"{name}-typed": text, f"{name}-said": said}
