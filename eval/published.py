"""Published leaderboards, shown only beside results on the very same pictures."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from .leaderboard import Row
from .metrics import METRICS

FOLDER = Path(__file__).parent / "published"
CLIC_2021_VALIDATION = FOLDER / "clic2021_validation_pixels.csv"


def read_pictures(file: Path) -> dict[str, int]:
    """Pixels of each picture of a published set by its name, from a CSV file."""
    with file.open() as opened:
        return {row["image"]: int(row["pixels"]) for row in csv.DictReader(opened)}


@dataclass(frozen=True)
class PublishedSet:
    """A set whose pictures are known and which has a published leaderboard.

    Attributes:
      name: of the set.
      pictures: CSV file of each picture's name and pixels.
      rows: CSV file of the leaderboard; each line names its source.
    """

    name: str
    pictures: Path
    rows: Path

    def holds(self, pixels: Mapping[str, int]) -> bool:
        """Whether a set has these pictures and no others: the same names, each with the same number of pixels."""
        return read_pictures(self.pictures) == dict(pixels)

    def leaderboard(self, target: str) -> list[Row]:
        """The published rows at a target in bits per pixel."""
        with self.rows.open() as file:
            return [_row(line) for line in csv.DictReader(file) if _target(line) == Fraction(target)]


PUBLISHED_SETS = (PublishedSet("CLIC 2021, validation", CLIC_2021_VALIDATION, FOLDER / "clic2021_validation.csv"),)


def published_rows(pixels: Mapping[str, int], targets: Sequence[str]) -> dict[str, list[Row]]:
    """Published rows of a set by target: none where the set is not exactly a published one.

    Args:
      pixels: of each picture, by its name without suffix.
      targets: bits per pixel.
    """
    same = [row for row in PUBLISHED_SETS if row.holds(pixels)]
    return {target: [row for one in same for row in one.leaderboard(target)] for target in targets}


def _target(line: Mapping[str, str]) -> Fraction:
    """Bits per pixel of a track such as `image 0.150 bpp`."""
    return Fraction(line["track"].split()[1])


def _row(line: Mapping[str, str]) -> Row:
    def number(name: str) -> float | None:
        return float(line[name]) if line[name] else None

    def count(name: str) -> int | None:
        return int(line[name]) if line[name] else None

    return Row(
        line["team"],
        {metric.key: number(metric.field) for metric in METRICS.values() if metric.field in line},
        count("data_size_bytes"),
        count("decoder_size_bytes"),
        number("decoding_time_s"),
        source=line["source"],
    )
