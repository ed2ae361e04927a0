"""What every face stands on: who calls, limits, bodies, errors, headers."""
