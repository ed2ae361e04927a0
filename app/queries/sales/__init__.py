"""Before a payment: what it would take; after it: how dealing with WeChat goes."""
