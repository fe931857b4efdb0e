"""The encoder's manifest: what the encoder and people know of each model, and nothing that the decoder needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from decoder_pkg.errors import WeightsError
from decoder_pkg.fields import field, parse_object
from decoder_pkg.gains import GAIN_COUNT
from decoder_pkg.models import MANIFEST, MAX_MANIFEST_BYTES, read_file
from eval.metrics import METRICS, PSNR

ALL_GAINS = (0, GAIN_COUNT - 1)
KINDS: dict[str, tuple[type, ...]] = {
    "iterations": (int,),
    "hours": (int, float),
    "gpu_hours": (int, float),
    "gains": (list,),
    "distortion": (str,),
    "data": (str,),
    "commit": (str,),
    "licence": (str,),
}
"""Types of the fields that a model's row may have beside its id, name, file and digest."""


class TrainingRecord(TypedDict, total=False):
    """How a model was made."""

    iterations: int
    hours: float
    """Of two CPU cores."""
    gpu_hours: float
    gains: list[int]
    """First and last gain index that it was trained for; without them all."""
    distortion: str
    """Key of the metric that it was trained for; without it PSNR."""
    data: str
    commit: str
    licence: str


class KnownModel(TrainingRecord):
    """A model: its id and file are those of the decoder's manifest, sha256 is that of the encoder's half."""

    id: int
    name: str
    file: str
    sha256: str


@dataclass(frozen=True)
class EncoderManifest:
    """What is known of each model by its id, and of each post-filter by its id."""

    models: dict[int, KnownModel]
    filters: dict[int, Mapping[str, Any]]


def read_encoder_manifest(folder: Path) -> EncoderManifest:
    """Reads the manifest of a folder of the encoder's weights.

    Raises:
      WeightsError: there is none, or it is damaged.
    """
    path = folder / MANIFEST
    try:
        whole = parse_object(read_file(path, MAX_MANIFEST_BYTES))
        models: list[KnownModel] = field(whole, "models", list)
        for row in models:
            check_known_model(row)
        filters: list[Mapping[str, Any]] = field(whole, "filters", list)
        return EncoderManifest({row["id"]: row for row in models}, {field(row, "id", int): row for row in filters})
    except ValueError as error:
        raise WeightsError(f"{path} is damaged: {error}") from None


def check_known_model(row: object) -> None:
    """Makes sure that a row is what is known of a model.

    Raises:
      ValueError: a field is missing, or of another type or range.
    """
    number = field(row, "id", int)
    for name in ("name", "file", "sha256"):
        field(row, name, str)
    assert isinstance(row, dict)
    for name in KINDS.keys() & row.keys():
        field(row, name, *KINDS[name])
    gains = row.get("gains", list(ALL_GAINS))
    if len(gains) != 2 or any(type(gain) is not int for gain in gains) or not 0 <= gains[0] <= gains[1] < GAIN_COUNT:
        raise ValueError(f"gains {gains!r} are no first and last of 0 to {GAIN_COUNT - 1}")
    if row.get("distortion", PSNR.key) not in METRICS:
        raise ValueError(f"model {number} was trained for {row['distortion']!r}, which is unknown here")
