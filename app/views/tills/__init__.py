"""The devices of a store, and what its tills have recorded."""
