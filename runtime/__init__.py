"""What runs the program on one machine: the supervisor, its children, the embedded PostgreSQL."""
