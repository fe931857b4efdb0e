"""Peak memory of this process."""

from __future__ import annotations

from pathlib import Path

STATUS = Path("/proc/self/status")
PEAK = "VmHWM:"


def peak_bytes() -> int:
    """Largest resident set since this program began, in bytes; on Linux.

    `getrusage` would not do: a process inherits the peak of the one that started it.
    """
    (line,) = (line for line in STATUS.read_text().splitlines() if line.startswith(PEAK))
    return int(line.split()[1]) * 1024
