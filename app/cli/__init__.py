"""Commands: ``bin/kaquan <command>``. What goes to standard output is for programs."""
