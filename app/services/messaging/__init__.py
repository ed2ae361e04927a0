"""WeChat messages: notices to members, and what the official account answers."""
