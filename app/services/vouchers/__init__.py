"""Paper vouchers: a batch from its draft to the last redemption, and its print file."""
