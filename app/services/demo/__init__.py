"""Demo data: a small world that strangers and scripts can use at once, and what happened in it."""

from app.services.demo.history import seed_history
from app.services.demo.voucher_codes import make_demo_voucher_codes
from app.services.demo.world import is_empty, seed_demo

__all__ = ["is_empty", "make_demo_voucher_codes", "seed_demo", "seed_history"]
