"""Benchmarks: `make bench`, or one of them: `make bench B=pay`. How to read them: bench/README.md."""
