"""The consoles of platform, merchant and store; ``consoles`` puts them together."""
