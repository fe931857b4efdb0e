"""Files appear whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

PARTIAL = ".partial"
"""How the temporary name of every unfinished file ends."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields a temporary name of this process; what is written there takes the file's place, unless that failed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}{PARTIAL}")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_atomically(path: Path, data: bytes) -> None:
    """Writes under a temporary name and renames; a write that fails leaves nothing behind."""
    with replacing(path) as partial:
        partial.write_bytes(data)


def write_json(path: Path, content: Mapping[str, object]) -> None:
    """Writes a file that people may read."""
    write_atomically(path, (json.dumps(content, indent=1) + "\n").encode())
