"""The manifest of a weights folder: which models and post-filter there are, in which files, and how they were made."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from ..errors import WeightsError
from ..gains import GAIN_COUNT

WEIGHTS = Path(__file__).parents[1] / "weights"
MANIFEST = "manifest.json"
MAX_MANIFEST_BYTES = 2**20
MAX_MODELS = 256
MS_SSIM = "ms-ssim"
ALL_GAINS = (0, GAIN_COUNT - 1)


class Ledger(TypedDict, total=False):
    """How a model was trained, and what it is a difference to."""

    iterations: int
    hours: float
    """Of two CPU cores."""
    gpu_hours: float
    gains: list[int]
    """First and last gain index that it was trained for; without them all."""
    distortion: str
    """What it was trained for: without it squared error, or `ms-ssim`."""
    base: int
    """Id of an earlier row: the file is a difference to that model, see `decoder_pkg.weight_files.deltas`."""


class FileRow(TypedDict):
    """A file of the folder."""

    file: str
    sha256: str


class ManifestRow(FileRow, Ledger):
    """A model in the manifest."""

    id: int
    name: str


@dataclass(frozen=True)
class Manifest:
    """The models, with different ids and copies after their base, and the post-filter that all of them share."""

    models: list[ManifestRow]
    postfilter: FileRow | None

    @property
    def files(self) -> list[str]:
        """Names of the weight files."""
        rows = [*self.models, self.postfilter] if self.postfilter else self.models
        return [row["file"] for row in rows]


def read_manifest(folder: Path) -> Manifest:
    """Reads the manifest of a weights folder; all files that it names lie in the folder.

    Raises:
      WeightsError: there is no readable manifest.
    """
    try:
        return check_manifest(json.loads(read_file(folder / MANIFEST, MAX_MANIFEST_BYTES)))
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise WeightsError(f"{folder / MANIFEST} is damaged: {error}") from None


def check_manifest(whole: Any) -> Manifest:
    """The manifest that a file's content is.

    Raises:
      ValueError: its rows do not fit together.
      KeyError, TypeError: it is something else.
    """
    rows: list[ManifestRow] = whole["models"]
    if not rows or not isinstance(rows, list):
        raise ValueError("it lists no models")
    for number, row in enumerate(rows):
        _check(row, {earlier["id"] for earlier in rows[:number]})
    manifest = Manifest(rows, whole.get("postfilter"))
    if manifest.postfilter is not None:
        _check_file(manifest.postfilter)
    if len(set(manifest.files)) != len(manifest.files):
        raise ValueError("two rows share a file")
    return manifest


def _check(row: ManifestRow, earlier: set[int]) -> None:
    if type(row["id"]) is not int or not 0 <= row["id"] < MAX_MODELS or row["id"] in earlier:
        raise ValueError(f"{row['id']!r} is no id from 0 to {MAX_MODELS - 1} that no model before it has")
    _check_file(row)
    if "base" in row and row["base"] not in earlier:
        raise ValueError(f"model {row['id']} is a difference to {row['base']!r}, which is no model before it")
    low, high = row.get("gains", ALL_GAINS)
    if type(low) is not int or type(high) is not int or not 0 <= low <= high < GAIN_COUNT:
        raise ValueError(f"gains from {low!r} to {high!r} are no part of 0 to {GAIN_COUNT - 1}")


def _check_file(row: FileRow) -> None:
    if not isinstance(row["sha256"], str) or Path(row["file"]).name != row["file"]:
        raise ValueError(f"{row['file']!r} is no file of the folder, or has no digest")


def read_file(path: Path, most: int) -> bytes:
    """The bytes of a plain file of the weights folder.

    Raises:
      WeightsError: it is missing, unreadable, no plain file, or larger than `most`.
    """
    try:
        if not path.is_file():
            raise WeightsError(f"{path} is missing or no plain file")
        if path.stat().st_size > most:
            raise WeightsError(f"{path} has more than {most} bytes")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from None
