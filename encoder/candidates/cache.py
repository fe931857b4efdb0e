"""Measured candidates on disk, so that an interrupted run resumes."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from decoder_pkg.stream import ImageHeader
from eval.storage import cache_folder, load_rows, save_rows

from .candidate import Candidate, Measured

ENCODINGS = "encodings"
CACHE_VERSION = 7
"""Raised whenever the same settings would yield another stream."""


class CandidateCache:
    """Lists of measured candidates by everything they depend on."""

    def __init__(self, folder: Path | None = None) -> None:
        """Takes the folder, by default that of this machine's encodings."""
        self.folder = folder or cache_folder(ENCODINGS)

    def path(self, *key: object) -> Path:
        """File of the candidates made from a picture's digest, the models' digests and the settings in `key`."""
        text = json.dumps([CACHE_VERSION, *key])
        return self.folder / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.json"

    def load(self, path: Path) -> list[Measured] | None:
        """Reads candidates; a missing or damaged file holds none."""
        rows = load_rows(path)
        return None if rows is None else [_from_row(row) for row in rows]

    def save(self, path: Path, measured: Sequence[Measured]) -> None:
        """Writes candidates under a temporary name and renames the file."""
        save_rows(path, [_to_row(one) for one in measured])


def _to_row(measured: Measured) -> dict[str, object]:
    candidate = measured.candidate
    return {
        "header": asdict(candidate.header),
        "payload": base64.b64encode(candidate.payload).decode(),
        "squared_error": candidate.squared_error,
        "further": measured.further,
    }


def _from_row(row: dict[str, Any]) -> Measured:
    payload = base64.b64decode(row["payload"], validate=True)
    candidate = Candidate(ImageHeader(**row["header"]), payload, int(row["squared_error"]))
    return Measured(candidate, {name: float(value) for name, value in row["further"].items()})
