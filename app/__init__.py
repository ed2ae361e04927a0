"""卡券通: stored-value cards and paper vouchers for many merchants. See docs/architecture.md."""
