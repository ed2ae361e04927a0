"""What everybody tries first is refused."""

from __future__ import annotations

import pytest

from app.core.passwords import is_common


@pytest.mark.parametrize(
    "password",
    ["1234567890", "Password123", "Qwertyuiop!", "woaini1314520", "aaaaaaaaaa", "chenchen2026"],
)
def test_a_password_that_guessers_try_is_common(password):
    assert is_common(password, username="chenchen")


@pytest.mark.parametrize("password", ["correct-horse-2026", "今天中午吃什么好呢", "k7#mQ2!vPz0w"])
def test_others_are_not(password):
    assert not is_common(password, username="chenchen")
