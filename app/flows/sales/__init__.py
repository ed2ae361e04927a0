"""Money in and out with a member, WeChat Pay between the transactions."""
