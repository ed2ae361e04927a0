"""The consoles' lists by area, each a declaration: which columns, which filters, what adds up."""
