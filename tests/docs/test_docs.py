"""What the documents say of the code is true of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.models import policies
from app.models.ledger import ACCOUNTS
from app.queries.invariants import INVARIANTS
from tests.docs.error_table import BEGIN, END, PAGE, ROOT, render_table

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
NAMED_PATH = re.compile(r"`([\w.-]+/[\w./-]+)`")
# What stands in the checkout itself, and the layers that are named without their ``app/``.
ROOMS = {path.name: path for path in [*(ROOT / "app").iterdir(), *ROOT.iterdir()] if path.is_dir()}
SETTINGS = ROOT / "config.py"
# What the set-up, a build or a run makes.
MADE = ("app/static/vendor/", "miniprogram/dist/", "node_modules/", "var/")


def read(name: str) -> str:
    return (ROOT / "docs" / name).read_text()


def test_every_error_code_is_listed_with_its_status_and_its_sentence():
    _, _, rest = PAGE.read_text().partition(BEGIN)
    listed, _, _ = rest.partition(END)
    assert listed.strip() == render_table().strip(), "run python -m tests.docs.error_table"


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_documents_lead_somewhere(page: Path):
    links = [link for link in LINK.findall(page.read_text()) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_invariant_that_is_asked_is_explained():
    text = read("invariants.md")
    assert [i.id for i in INVARIANTS if f"| {i.id} |" not in text] == []


def test_files_that_are_named_exist():
    """``services/tills/shifts.close_shift`` names a function: its module must be there."""
    named = {name for page in DOCUMENTS for name in NAMED_PATH.findall(page.read_text())}
    inside = {name for name in named if name.split("/")[0] in ROOMS and not name.startswith(MADE)}
    assert len(inside) > 80, "the documents name files, and the pattern finds them"
    assert [name for name in sorted(inside) if not _is_there(name)] == []


def test_every_account_has_its_dimensions_and_its_word():
    for page in ("architecture.md", "glossary.md"):
        assert [name for name in ACCOUNTS if f"`{name}`" not in read(page)] == [], page


def test_every_table_of_the_wall_is_in_the_glossary():
    text = read("glossary.md")
    assert [table for table in policies.POLICIES if f"`{table}`" not in text] == []


def _is_there(name: str) -> bool:
    room, _, rest = name.partition("/")
    path = ROOMS[room] / rest
    module = path.with_name(path.name.partition(".")[0] + ".py")
    return path.exists() or module.exists()


def test_every_page_is_in_the_index():
    pages = {*(ROOT / "docs").glob("*.md"), *(ROOT / "docs/operations").glob("*.md")}
    listed = {(ROOT / "docs" / link).resolve() for link in LINK.findall(read("README.md"))}
    assert pages - listed == {ROOT / "docs/README.md"}


def test_every_setting_is_explained():
    """Whatever the program reads of its environment, an operator finds in a document."""
    asked = set(re.findall(r'\(env, "([A-Z0-9_]+)"|env\.get\("([A-Z0-9_]+)"', SETTINGS.read_text()))
    names = {one or other for one, other in asked}
    assert {"PORT", "TRUSTED_PROXIES", "DATABASE_URL"} <= names
    text = "\n".join(page.read_text() for page in DOCUMENTS)
    assert [name for name in sorted(names) if f"`{name}" not in text] == []
