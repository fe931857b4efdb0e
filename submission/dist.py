"""The output folder: one run at a time, and nothing left over from one that was killed."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Set
from contextlib import contextmanager
from pathlib import Path

from encoder.files import PARTIAL

LOCK = ".lock"


class Busy(Exception):
    """Another run is writing to the same folder."""


@contextmanager
def exclusive(dist: Path) -> Iterator[None]:
    """Keeps other runs out of a folder, and clears it of unfinished files.

    The system gives the lock back when the process ends, however it ends.

    Raises:
      Busy: another run has it.
    """
    dist.mkdir(parents=True, exist_ok=True)
    with (dist / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(f"another run is writing to {dist}: wait for it, or give --dist another folder") from None
        for path in dist.rglob(f".*{PARTIAL}"):
            path.unlink()
        yield


def remove_data(dist: Path, wanted: Set[str]) -> None:
    """Removes the data of earlier runs for other targets or seasons: it may be of other pictures."""
    for path in dist.glob("*/*.zip"):
        if path.relative_to(dist).as_posix() not in wanted:
            path.unlink()
            if not any(path.parent.iterdir()):
                path.parent.rmdir()
