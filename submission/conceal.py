"""Starts a command that sees folders empty: python conceal.py [FOLDER...] -- command...

To be run as the root of a mount namespace of its own; the command can never uncover what is covered.
"""

from __future__ import annotations

import ctypes
import os
import sys

MS_RDONLY = 1
PR_CAPBSET_DROP = 24
CAP_SYS_ADMIN = 21


def main() -> None:
    """Covers the folders and becomes the command."""
    split = sys.argv.index("--")
    libc = ctypes.CDLL(None, use_errno=True)
    for folder in sys.argv[1:split]:
        if libc.mount(b"none", os.fsencode(folder), b"tmpfs", MS_RDONLY, None):
            sys.exit(f"{folder} cannot be concealed: {os.strerror(ctypes.get_errno())}")
    if libc.prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN, 0, 0, 0):
        sys.exit(f"the right to mount cannot be given up: {os.strerror(ctypes.get_errno())}")
    os.execv(sys.argv[split + 1], sys.argv[split + 1 :])


if __name__ == "__main__":
    main()
