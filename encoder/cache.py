"""Measured candidates on disk, so that an interrupted run goes on where it stopped."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from decoder_pkg.stream import ImageHeader

from .candidates import Candidate, Measured
from .files import write_atomically

CACHE = Path(".cache/encodings")
CACHE_VERSION = 5
"""Raised whenever the same settings would yield another stream."""


class CandidateCache:
    """Lists of measured candidates by everything they depend on."""

    def __init__(self, folder: Path = CACHE) -> None:
        self.folder = folder

    def path(self, *key: object) -> Path:
        """File of the candidates made from a picture's digest, the models' digests and the settings in `key`."""
        text = json.dumps([CACHE_VERSION, *key])
        return self.folder / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.json"

    def load(self, path: Path) -> list[Measured] | None:
        """Reads candidates; a missing or damaged file holds none."""
        try:
            return [_from_row(row) for row in json.loads(path.read_text())]
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def save(self, path: Path, measured: Sequence[Measured]) -> None:
        """Writes candidates under a temporary name and renames the file."""
        write_atomically(path, json.dumps([_to_row(one) for one in measured]).encode())


def _to_row(measured: Measured) -> dict[str, object]:
    candidate = measured.candidate
    return {
        "header": asdict(candidate.header),
        "payload": base64.b64encode(candidate.payload).decode(),
        "squared_error": candidate.squared_error,
        "measures": measured.measures,
    }


def _from_row(row: dict[str, Any]) -> Measured:
    payload = base64.b64decode(row["payload"], validate=True)
    candidate = Candidate(ImageHeader(**row["header"]), payload, int(row["squared_error"]))
    return Measured(candidate, {name: float(value) for name, value in row["measures"].items()})
