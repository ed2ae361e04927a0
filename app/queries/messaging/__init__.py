"""What stands in a notice."""
