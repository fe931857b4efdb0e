"""The competition's rules by season, as data. None is unknown, and stays unknown: nothing is invented.

Sources: the official site's archive, the 2018/2019 evaluation server, the devkits of 2020, 2021/22 and 2025, and for
2027 a participant's notes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from decoder_pkg.commands import DATA_ZIP
from eval.published import CLIC_2021_VALIDATION
from rate_control.allocation import budget_bytes

MEGABYTE = 10**6
GIGABYTE = 10**9
HOUR = 3600
LEADERBOARD_2021 = (
    "Team",
    "MSSSIM",
    "PSNR",
    "FID",
    "ELO",
    "Data size",
    "Decoder size",
    "Decoding time (s)",
    "Date",
)
LEADERBOARD_2022 = ("Team", "ELO", "MSSSIM", "PSNR", "Data size", "Decoder size", "Decoding time", "Date")
DEFAULT_COLUMNS = LEADERBOARD_2021
"""Shown for a season whose own columns are not known."""

MAX_UNPACKED = 4 * GIGABYTE
"""What a decoder or a submission may unpack to: the largest decoder that a season has allowed."""


@dataclass(frozen=True)
class KnownSet:
    """A data set whose size the competition published.

    Attributes:
      name: as the competition calls it.
      budgets: bytes by target, as published.
      pixels: of the whole set, None where only the budgets are known.
      images: how many.
      pictures: CSV file of their names and pixels, None where they are not known.
    """

    name: str
    budgets: Mapping[str, int] = field(default_factory=dict)
    pixels: int | None = None
    images: int | None = None
    pictures: Path | None = None

    def budget(self, target: str) -> int | None:
        """Bytes for a target, None where neither they nor the pixels are known."""
        if target in self.budgets or self.pixels is None:
            return self.budgets.get(target)
        return budget_bytes(self.pixels, target)


@dataclass(frozen=True)
class Season:
    """The rules of one year.

    Attributes:
      year: of the competition.
      targets: bits per pixel.
      sets: data sets with known budgets; for any other the budget is ceil(pixels * bpp / 8).
      every_target: a team must submit all targets.
      decoder_limit: bytes of the decoder, None where there is no limit or none is known.
      decoder_limit_known: whether `decoder_limit` is what the rules say.
      seconds: time limit of a decoding run.
      memory_bytes: of the machine.
      cpus: of the machine.
      gpu: of the machine.
      packages: of the container's Python.
      avif: whether the container's Pillow is known to decode AVIF.
      data_zip: name under which the data lies beside the decoder.
      single_zip: one upload with team_info.json in place of a decoder and a data file.
      ms_ssim_by_pixels: the set's MS-SSIM is weighted by pixels, not the plain mean.
      columns: of the leaderboard, None where they are not known.
      notes: rules that no check can see.
    """

    year: int
    targets: tuple[str, ...]
    sets: tuple[KnownSet, ...] = ()
    every_target: bool = False
    decoder_limit: int | None = None
    decoder_limit_known: bool = False
    seconds: int | None = None
    memory_bytes: int | None = None
    cpus: int | None = None
    gpu: str | None = None
    packages: tuple[str, ...] | None = None
    avif: bool = False
    data_zip: str | None = None
    single_zip: bool = False
    ms_ssim_by_pixels: bool = True
    columns: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()

    @property
    def data_name(self) -> str:
        """Name of the data's zip: the season's, or the one of 2025 where it is not known."""
        return self.data_zip or DATA_ZIP

    def known_set(self, name: str) -> KnownSet:
        """The data set of this name.

        Raises:
          KeyError: the season has none.
        """
        for row in self.sets:
            if row.name == name:
                return row
        raise KeyError(f"{self.year} has no known set {name!r}; known: {[row.name for row in self.sets]}")


THREE_TARGETS = ("0.075", "0.15", "0.3")
VALIDATION_2018 = KnownSet("validation", {"0.15": 4_722_341})

SEASONS = (
    Season(
        2018,
        ("0.15",),
        (VALIDATION_2018, KnownSet("test", {"0.15": 13_328_248})),
        decoder_limit_known=True,
        memory_bytes=4 * GIGABYTE,
        cpus=1,
        single_zip=True,
        ms_ssim_by_pixels=False,
    ),
    Season(
        2019,
        ("0.15",),
        (VALIDATION_2018, KnownSet("test", {"0.15": 15_749_090})),
        decoder_limit_known=True,
        seconds=10 * HOUR,
        memory_bytes=12 * GIGABYTE,
        cpus=2,
        single_zip=True,
        ms_ssim_by_pixels=False,
    ),
    Season(
        2020,
        ("0.15",),
        (VALIDATION_2018, KnownSet("test", {"0.15": 22_540_456})),
        decoder_limit=500 * MEGABYTE,
        decoder_limit_known=True,
        data_zip="valout.zip",
    ),
    Season(
        2021,
        THREE_TARGETS,
        (
            KnownSet(
                "validation",
                {"0.075": 857_362, "0.15": 1_714_724, "0.3": 3_429_448},
                pixels=91_451_931,
                images=41,
                pictures=CLIC_2021_VALIDATION,
            ),
            KnownSet("test", {"0.075": 1_477_209, "0.15": 2_954_417, "0.3": 5_908_833}),
        ),
        decoder_limit=250 * MEGABYTE,
        decoder_limit_known=True,
        seconds=5 * HOUR,
        memory_bytes=12 * GIGABYTE,
        cpus=2,
        gpu="P100, 16 GB",
        columns=LEADERBOARD_2021,
        notes=("the five hours were given for the validation set",),
    ),
    Season(
        2022,
        THREE_TARGETS,
        (KnownSet("test", images=30),),
        decoder_limit=250 * MEGABYTE,
        decoder_limit_known=True,
        seconds=5 * HOUR,
        memory_bytes=12 * GIGABYTE,
        cpus=2,
        gpu="P100, 16 GB",
        columns=LEADERBOARD_2022,
    ),
    Season(
        2025,
        THREE_TARGETS,
        (KnownSet("test", pixels=86_245_376, images=30),),
        packages=("torch", "numpy", "pillow", "scikit-image", "range-coder"),
        data_zip="bs.zip",
    ),
    Season(
        2027,
        THREE_TARGETS,
        (KnownSet("test", images=30),),
        every_target=True,
        decoder_limit=4 * GIGABYTE,
        decoder_limit_known=True,
        seconds=5 * HOUR,
        memory_bytes=12 * GIGABYTE,
        cpus=2,
        gpu="L4, 24 GB",
        packages=("torch==2.6",),
        notes=("known from a participant's notes alone", "the slowest quarter loses eligibility"),
    ),
)
DEFAULT_SEASON = 2021


def season(year: int) -> Season:
    """The rules of a year.

    Raises:
      KeyError: no rules are known for it.
    """
    for row in SEASONS:
        if row.year == year:
            return row
    raise KeyError(f"no rules are known for {year}; known: {[row.year for row in SEASONS]}")
