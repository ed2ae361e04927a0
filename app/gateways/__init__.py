"""Gateways: the outside world (WeChat, mail, maps) behind the ports that the services name."""
