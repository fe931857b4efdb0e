"""Folders for what can be made again, and files in them that are believed only as they were written."""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from .files import read_plain, write_atomically

VARIABLE = "CLIC_CACHE"
"""Environment variable that names another folder than FOLDER."""

FOLDER = ".cache"

SEAL = ".sha256"
"""How the name of the file with another one's digest ends."""


def cache_root() -> Path:
    """The folder of all caches."""
    return Path(os.environ.get(VARIABLE) or FOLDER)


def cache_folder(name: str) -> Path:
    """The cache of this name, in the folder that CLIC_CACHE names or in .cache here.

    Where that cannot be written, it is a temporary folder that goes when this process ends.
    """
    folder = cache_root()
    try:
        (folder / name).mkdir(parents=True, exist_ok=True)
        if os.access(folder / name, os.W_OK | os.X_OK):
            return folder / name
    except OSError:
        pass
    return _temporary(folder) / name


@lru_cache
def _temporary(folder: Path) -> Path:
    note = f"note: {folder} cannot be written, so nothing is kept for other runs; {VARIABLE} can name another folder"
    print(note, file=sys.stderr)
    temporary = Path(tempfile.mkdtemp(prefix="cache-"))
    atexit.register(shutil.rmtree, temporary, ignore_errors=True)
    return temporary


def save_rows(path: Path, rows: Sequence[object]) -> None:
    """Writes rows, as JSON behind a line with the digest of their text and of the file's name."""
    text = json.dumps(rows)
    write_atomically(path, f"{_digest(path, text)}\n{text}".encode())


def load_rows(path: Path) -> list[Any] | None:
    """Reads rows, whose last use is now; None where the file is missing, damaged, or was written under another name."""
    text = _believed(path)
    if text is None:
        return None
    with suppress(OSError):  # of another user, or of a folder that cannot be written
        os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))
    rows: list[Any] = json.loads(text)
    return rows


def holds_rows(path: Path) -> bool:
    """Whether a file is one that `save_rows` wrote, as it was written."""
    return _believed(path) is not None


def _believed(path: Path) -> str | None:
    try:
        digest, _, text = read_plain(path).decode().partition("\n")
    except (OSError, ValueError):
        return None
    return text if digest == _digest(path, text) else None


def seal(path: Path) -> None:
    """Writes the digest of a file beside it."""
    write_atomically(_seal(path), _file_digest(path).encode())


def is_sealed(path: Path) -> bool:
    """Whether a file is what it was when it was sealed."""
    try:
        return path.is_file() and read_plain(_seal(path)).decode() == _file_digest(path)
    except (OSError, ValueError):
        return False


def _seal(path: Path) -> Path:
    return path.with_name(path.name + SEAL)


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest(path: Path, text: str) -> str:
    return hashlib.sha256(f"{path.name}\n{text}".encode()).hexdigest()
