"""The official account, its replies, and the notices that members were sent."""
