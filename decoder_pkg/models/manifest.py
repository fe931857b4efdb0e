"""The manifest of a weights folder: which models and post-filter there are, in which files, and how they were made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from ..errors import WeightsError
from ..fields import field, parse_object
from ..gains import GAIN_COUNT

WEIGHTS = Path(__file__).parents[1] / "weights"
MANIFEST = "manifest.json"
MAX_MANIFEST_BYTES = 2**20
MAX_MODELS = 256
MS_SSIM = "ms-ssim"
ALL_GAINS = (0, GAIN_COUNT - 1)
KINDS: dict[str, tuple[type, ...]] = {
    "name": (str,),
    "iterations": (int,),
    "hours": (int, float),
    "gpu_hours": (int, float),
    "gains": (list,),
    "distortion": (str,),
    "base": (int,),
}
"""Types of the fields that a model's row may have beside its id and file."""


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
        return check_manifest(parse_object(read_file(folder / MANIFEST, MAX_MANIFEST_BYTES)))
    except ValueError as error:
        raise WeightsError(f"{folder / MANIFEST} is damaged: {error}") from None


def check_manifest(whole: Any) -> Manifest:
    """The manifest that a file's content is.

    Raises:
      ValueError: a field has another type than it must have, or the rows do not fit together.
    """
    rows: list[ManifestRow] = field(whole, "models", list)
    if not rows:
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
    number = field(row, "id", int)
    if not 0 <= number < MAX_MODELS or number in earlier:
        raise ValueError(f"{number} is no id from 0 to {MAX_MODELS - 1} that no model before it has")
    _check_file(row)
    for name in KINDS.keys() & row.keys():
        field(row, name, *KINDS[name])
    if "base" in row and row["base"] not in earlier:
        raise ValueError(f"model {number} is a difference to {row['base']}, which is no model before it")
    gains = row.get("gains", list(ALL_GAINS))
    if len(gains) != 2 or any(type(gain) is not int for gain in gains) or not 0 <= gains[0] <= gains[1] < GAIN_COUNT:
        raise ValueError(f"gains {gains!r} are no first and last of 0 to {GAIN_COUNT - 1}")


def _check_file(row: FileRow) -> None:
    name = field(row, "file", str)
    field(row, "sha256", str)
    if not name or Path(name).name != name:
        raise ValueError(f"{name!r} is no file of the folder")


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
