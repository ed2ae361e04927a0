"""The counter: at a device, before money is taken, and listening to the feed."""
