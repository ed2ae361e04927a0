"""Run a command that ends when whoever started it ends: `python die_with_parent.py COMMAND…`.

Even `kill -9` of the supervisor must not leave web servers behind that hold the port. The kernel
is asked in a process of its own, because code between fork and exec is unsafe beside threads.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # From <linux/prctl.h>.


def main() -> None:
    """Ask the kernel for SIGTERM at our parent's death, then become the command."""
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:  # It died before we asked.
            sys.exit(1)
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - to become the command is the point


if __name__ == "__main__":
    main()
