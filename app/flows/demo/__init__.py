"""The demo's site and settlements, made as people would have made them."""
