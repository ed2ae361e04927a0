"""Jobs: the worker's relay, its queue, and the process that holds the screens' streams."""
