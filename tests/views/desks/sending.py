"""A form opened and sent as a browser does it, and the record that came of it."""

from __future__ import annotations

import re
from html import unescape

from app.core.actor import SYSTEM

_FIELD = re.compile(r'<input[^>]*type="hidden"[^>]*name="([^"]+)"[^>]*value="([^"]*)"')
_HIDDEN = re.compile(r'<input[^>]*name="([^"]+)"[^>]*type="hidden"[^>]*value="([^"]*)"')


def send(browser, path, **fields):
    """Open a form, fill it in as a browser does, hidden fields included, and send it."""
    page = browser.get(path)
    assert page.status_code == 200, page.text[-500:]
    return browser.client.post(path, data={**hidden_fields(page.text), **fields})


def hidden_fields(page):
    form = page[page.index('<form class="card form"') :]
    return {
        name: unescape(value) for found in (_FIELD, _HIDDEN) for name, value in found.findall(form)
    }


def loaded(database, model, pk):
    with database.unit_of_work(SYSTEM) as work:
        return work.get_one(model, pk)
