"""Benchmarks: `make bench`, or one: `make bench B=pay`. How to read them: bench/README.md."""
