"""What became of paper, by batch and by voucher, and what is printed on it."""
