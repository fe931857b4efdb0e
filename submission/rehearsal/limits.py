"""Starts a command under the server's limits: python limits.py MEMORY_BYTES CPUS command...

A script of its own, so that nothing runs between fork and exec of a process that has threads; 0 sets no limit.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Sets the limits of this process and becomes the command."""
    memory, cpus = (int(argument) for argument in sys.argv[1:3])
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # no decoder outlives its rehearsal
    if memory:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    if cpus:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cpus])
    os.execv(sys.argv[3], sys.argv[3:])


if __name__ == "__main__":
    main()
