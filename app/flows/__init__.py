"""Flows: what needs several transactions, with the network between them and never inside one."""
