"""Runs a command and reports how it ended: python inside.py REPORT isolated|open [FOLDER...] -- command...

A script of its own between the rehearsal and the decoder. Isolated, it is the first process of fresh mount and process
namespaces: it lets the command write into the working and the temporary folders alone and see the given folders empty,
and whatever the command has started ends with it. The report goes to the file descriptor REPORT, which the command does
not get: one JSON line with the wait status, the seconds, and the peak memory in bytes of the largest process.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys
import tempfile
import time
from pathlib import Path

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND = 1, 2, 4, 8, 4096
MOUNT_SETATTR, AT_FDCWD, AT_RECURSIVE, ATTR_RDONLY = 442, -100, 0x8000, 1
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 4, 24, 38
CAPABILITIES = 64
CANNOT_START = 127
SHARED_MEMORY = "/dev/shm"

LIBC = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    """Isolates where asked to, runs the command, reports."""
    split = sys.argv.index("--")
    report, isolated = int(sys.argv[1]), sys.argv[2] == "isolated"
    if isolated:
        isolate(sys.argv[3:split])
    start = time.monotonic()
    status = run(sys.argv[split + 1 :], report, isolated)
    seconds = time.monotonic() - start
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    os.write(report, json.dumps({"status": status, "seconds": seconds, "peak_bytes": peak}).encode())


def isolate(concealed: list[str]) -> None:
    """Sets up what the command sees; ends the process where the system does not allow it."""
    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    work = str(Path.cwd())
    writable = [folder for folder in (SHARED_MEMORY, tempfile.gettempdir(), work) if Path(folder).is_dir()]
    for folder in writable:
        mount(folder, folder, "", MS_BIND)
    set_read_only("/", True, AT_RECURSIVE)
    for folder in writable:
        set_read_only(folder, False, 0)
    for folder in concealed:
        mount("none", folder, "tmpfs", MS_RDONLY)
    os.chdir(work)  # into the new mount
    LIBC.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)  # what the command starts cannot reach into this process
    LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    for capability in range(CAPABILITIES):
        LIBC.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)  # fails for numbers that this kernel does not know


def mount(source: str, target: str, kind: str, flags: int) -> None:
    """Adds a mount, or ends the process with the reason."""
    if LIBC.mount(os.fsencode(source), os.fsencode(target), kind.encode(), flags, None):
        sys.exit(f"{target} cannot be mounted: {os.strerror(ctypes.get_errno())}")


def set_read_only(target: str, read_only: bool, flags: int) -> None:
    """Makes a mount read-only or writable; C libraries before 2022 have no function for it."""
    attributes = (ctypes.c_uint64 * 4)(ATTR_RDONLY * read_only, ATTR_RDONLY * (not read_only), 0, 0)
    size = ctypes.c_size_t(ctypes.sizeof(attributes))
    if LIBC.syscall(MOUNT_SETATTR, AT_FDCWD, os.fsencode(target), flags, attributes, size):
        sys.exit(f"{target} cannot be made read-only or writable: {os.strerror(ctypes.get_errno())}")


def run(command: list[str], report: int, isolated: bool) -> int:
    """Runs the command to its end, ends what it left, and returns its wait status."""
    child = os.fork()
    if child == 0:
        os.close(report)
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        try:
            os.execv(command[0], command)
        except OSError as error:
            os.write(2, f"{command[0]} cannot be started: {error.strerror}\n".encode())
        os._exit(CANNOT_START)
    while True:
        ended, status = os.wait()
        if ended == child:
            break
    if isolated:
        end_all()
    return status


def end_all() -> None:
    """Ends every other process of the namespace and waits for each, so that its memory is counted."""
    try:
        os.kill(-1, signal.SIGKILL)
        while True:
            os.wait()
    except (ProcessLookupError, ChildProcessError):
        pass


if __name__ == "__main__":
    main()
