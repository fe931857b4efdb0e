"""The manifest of a weights folder: which models and post-filters there are, and in which files.

What only the encoder knows of a model stands in the encoder's manifest: a frozen decoder does not change with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from ..errors import WeightsError
from ..fields import field, parse_object
from ..pixels.filters import FILTERS

WEIGHTS = Path(__file__).parents[1] / "weights"
MANIFEST = "manifest.json"
MAX_MANIFEST_BYTES = 2**20
MAX_MODELS = 256
MAX_FILTERS = 8


class FileRow(TypedDict):
    """A file of the folder."""

    id: int
    file: str
    sha256: str


class ModelRow(FileRow, total=False):
    """A model; its id is what picture headers name."""

    base: int
    """Id of an earlier row: the file is a delta to that model, see `decoder_pkg.weight_files.deltas`."""


class FilterRow(FileRow):
    """A post-filter; its id is its bit in picture headers."""

    filter: str
    """A name of the table of filters."""


@dataclass(frozen=True)
class Manifest:
    """The models, with different ids and deltas after their base, and the post-filters in order of application."""

    models: list[ModelRow]
    filters: list[FilterRow]

    @property
    def files(self) -> list[str]:
        """Names of the weight files."""
        return [row["file"] for row in (*self.models, *self.filters)]


def read_manifest(folder: Path) -> Manifest:
    """Reads the manifest of a weights folder; all files that it names lie in the folder.

    Raises:
      WeightsError: there is no readable manifest.
    """
    try:
        return check_manifest(parse_object(read_file(folder / MANIFEST, MAX_MANIFEST_BYTES)))
    except ValueError as error:
        raise WeightsError(f"{folder / MANIFEST} is damaged: {error}") from None


def check_manifest(whole: Any) -> Manifest:
    """The manifest that a file's content is.

    Raises:
      ValueError: a field has another type than it must have, or the rows do not fit together.
    """
    models, filters = field(whole, "models", list), field(whole, "filters", list)
    if not models:
        raise ValueError("it lists no models")
    for rows, most in ((models, MAX_MODELS), (filters, MAX_FILTERS)):
        for number, row in enumerate(rows):
            _check_row(row, {earlier["id"] for earlier in rows[:number]}, most)
    for row in filters:
        if field(row, "filter", str) not in FILTERS:
            raise ValueError(f"{row['filter']!r} is no post-filter; known are {sorted(FILTERS)}")
    manifest = Manifest(models, filters)
    if len(set(manifest.files)) != len(manifest.files):
        raise ValueError("two rows share a file")
    return manifest


def _check_row(row: object, earlier: set[int], most: int) -> None:
    number, name = field(row, "id", int), field(row, "file", str)
    field(row, "sha256", str)
    if not 0 <= number < most or number in earlier:
        raise ValueError(f"{number} is no id from 0 to {most - 1} that no row before it has")
    if not name or Path(name).name != name:
        raise ValueError(f"{name!r} is no file of the folder")
    assert isinstance(row, dict)
    if "base" in row and field(row, "base", int) not in earlier:
        raise ValueError(f"model {number} is a delta to {row['base']}, which is no model before it")


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
