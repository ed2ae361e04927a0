"""A member's account and its pictures; how members and staff come in, WeChat between the steps."""
