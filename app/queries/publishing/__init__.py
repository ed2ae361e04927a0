"""What the public reads and finds, and how many came."""
