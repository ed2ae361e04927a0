"""What members have paid with cards and paper, and the care of open WeChat orders."""
