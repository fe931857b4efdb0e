"""The cache keeps to a limit, and can be emptied; files that others put there stay."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .caches import SEAL, cache_root, holds_rows, is_sealed
from .files import UNFINISHED

VARIABLE = "CLIC_CACHE_LIMIT"
"""Environment variable with another limit than LIMIT."""

LIMIT = "2GB"
UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
FORM = re.compile(r"(\d{1,15}) ?([kMGT]?)B?")

ROWS = re.compile(r"[0-9a-f]{32}\.json")
"""Names of files with rows."""

FORSAKEN = 24 * 3600.0
"""Seconds after which nobody goes on writing such a file."""

SLACK = 2.0
"""Seconds by which a file system may date a file too early."""


class CacheLimitError(OSError):
    """The limit is no number of bytes."""


def cache_limit() -> int:
    """Bytes that the cached rows may take: CLIC_CACHE_LIMIT, or 2 GB.

    Raises:
      CacheLimitError: the variable holds something else.
    """
    text = os.environ.get(VARIABLE) or LIMIT
    found = FORM.fullmatch(text)
    if not found:
        raise CacheLimitError(f"{VARIABLE}={text[:40]}: give a number of bytes, like 500000000, 500MB or 2GB")
    return int(found[1]) * UNITS[found[2]]


@contextmanager
def limited_cache() -> Iterator[None]:
    """Brings the cache within its limit when a run ends; what the run wrote or read stays, whatever it takes.

    Raises:
      CacheLimitError: there is no such limit.
    """
    limit, started = cache_limit(), time.time()
    try:
        yield
    finally:
        _trim(limit, started - SLACK)


def _trim(limit: int, before: float) -> None:
    """Removes rows, the longest unused first, until the rest fit the limit or were used since."""
    found = sorted(_dated(cache_root()))
    excess = sum(size for _, size, _ in found) - limit
    for used, size, path in found:
        if excess <= 0 or used >= before:
            break
        if holds_rows(path) and _removed(path):
            excess -= size


def _dated(root: Path) -> Iterator[tuple[float, int, Path]]:
    """Time of last use, bytes and path of the files with rows."""
    for path in root.glob("*/*.json"):
        if ROWS.fullmatch(path.name) and not path.is_symlink():
            with suppress(OSError):  # another run has just removed it
                status = path.stat()
                yield max(status.st_atime, status.st_mtime), status.st_size, path


def empty_cache() -> tuple[int, int]:
    """Removes every file that is recognised as the program's; returns how many there were, and their bytes.

    These are rows and sealed files, with their digests, as they were written, and what killed runs left unfinished.
    """
    own = [path for path in cache_root().glob("*/*") if path.is_file() and not path.is_symlink() and _is_own(path)]
    sizes = [path.stat().st_size for path in own]
    removed = [size for path, size in zip(own, sizes, strict=True) if _removed(path)]
    return len(removed), sum(removed)


def _is_own(path: Path) -> bool:
    if ROWS.fullmatch(path.name):
        return holds_rows(path)
    if UNFINISHED.fullmatch(path.name):
        return time.time() - path.stat().st_mtime > FORSAKEN
    return is_sealed(path.with_name(path.name.removesuffix(SEAL)))


def _removed(path: Path) -> bool:
    with suppress(OSError):
        path.unlink()
        return True
    return False
