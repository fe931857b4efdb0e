"""The encoder's manifest: what the encoder and people know of each model, and nothing that the decoder needs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from decoder_pkg.errors import WeightsError
from decoder_pkg.gains import GAIN_COUNT
from decoder_pkg.models import MANIFEST

MS_SSIM = "ms-ssim"
ALL_GAINS = (0, GAIN_COUNT - 1)


class Ledger(TypedDict, total=False):
    """How a model was made."""

    iterations: int
    hours: float
    """Of two CPU cores."""
    gpu_hours: float
    gains: list[int]
    """First and last gain index that it was trained for; without them all."""
    distortion: str
    """What it was trained for: without it squared error, or `ms-ssim`."""
    data: str
    commit: str
    licence: str


class KnownModel(Ledger):
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
        whole = json.loads(path.read_text())
        for row in whole["models"]:
            check_known_model(row)
        filters = {row["id"]: row for row in whole["filters"]}
        return EncoderManifest({row["id"]: row for row in whole["models"]}, filters)
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error.strerror or error}") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise WeightsError(f"{path} is damaged: {type(error).__name__}: {error}") from None


def check_known_model(row: Any) -> None:
    """Makes sure that a row is what is known of a model.

    Raises:
      ValueError: a field is of another type or range.
      KeyError, TypeError: it is something else.
    """
    if type(row["id"]) is not int or not all(isinstance(row[name], str) for name in ("name", "file", "sha256")):
        raise ValueError(f"the row of model {row['id']!r} has no whole number as id, or no texts as name, file, sha256")
    low, high = row.get("gains", ALL_GAINS)
    if type(low) is not int or type(high) is not int or not 0 <= low <= high < GAIN_COUNT:
        raise ValueError(f"gains from {low!r} to {high!r} are no part of 0 to {GAIN_COUNT - 1}")
    if row.get("distortion", MS_SSIM) != MS_SSIM:
        raise ValueError(f"model {row['id']} was trained for {row['distortion']!r}, which is unknown here")
