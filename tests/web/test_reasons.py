"""Reasons that the program itself writes down are read in the reader's language."""

from __future__ import annotations

import ast
from pathlib import Path

from app.web.reasons import OURS

APP = Path(__file__).resolve().parents[2] / "app"


def written(path: Path) -> set[str]:
    """Every ``reason="…"`` of a call there."""
    calls = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
    return {
        str(word.value.value)
        for call in calls
        for word in call.keywords
        if word.arg == "reason" and isinstance(word.value, ast.Constant) and word.value.value
    }


def test_every_reason_of_the_programs_own_is_translated():
    found = {reason for path in APP.rglob("*.py") for reason in written(path)}
    assert "paid after closing" in found, "this test still finds them"
    assert found - OURS == set()
