"""The competition's rules by season, as data. None is unknown, and stays unknown: nothing is invented.

Sources: the official site's archive, the 2018/2019 evaluation server, the devkits of 2020, 2021/22 and 2025, and for
2027 a participant's notes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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


@dataclass(frozen=True)
class KnownSet:
    """A data set whose size the competition published.

    Attributes:
      name: as the competition calls it.
      budgets: bytes by target.
      pixels: of the whole set, None where only the budgets are known.
    """

    name: str
    budgets: Mapping[str, int]
    pixels: int | None = None


@dataclass(frozen=True)
class Season:
    """The rules of one year.

    Attributes:
      year: of the competition.
      targets: bits per pixel.
      sets: data sets with known budgets; for any other the budget is ceil(pixels * bpp / 8).
      decoder_limit: bytes of the decoder, None where there is no limit or none is known.
      decoder_limit_known: whether `decoder_limit` is what the rules say.
      seconds: time limit of a decoding run.
      memory_bytes: of the machine.
      cpus: of the machine.
      data_zip: name under which the data lies beside the decoder.
      single_zip: one upload with team_info.json in place of a decoder and a data file.
      columns: of the leaderboard, None where they are not known.
    """

    year: int
    targets: tuple[str, ...]
    sets: tuple[KnownSet, ...] = ()
    decoder_limit: int | None = None
    decoder_limit_known: bool = False
    seconds: int | None = None
    memory_bytes: int | None = None
    cpus: int | None = None
    data_zip: str | None = None
    single_zip: bool = False
    columns: tuple[str, ...] | None = None


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
            KnownSet("validation", {"0.075": 857_362, "0.15": 1_714_724, "0.3": 3_429_448}, pixels=91_451_931),
            KnownSet("test", {"0.075": 1_477_209, "0.15": 2_954_417, "0.3": 5_908_833}),
        ),
        decoder_limit=250 * MEGABYTE,
        decoder_limit_known=True,
        seconds=5 * HOUR,
        memory_bytes=12 * GIGABYTE,
        cpus=2,
        columns=LEADERBOARD_2021,
    ),
    Season(
        2022,
        THREE_TARGETS,
        decoder_limit=250 * MEGABYTE,
        decoder_limit_known=True,
        seconds=5 * HOUR,
        memory_bytes=12 * GIGABYTE,
        cpus=2,
        columns=LEADERBOARD_2022,
    ),
    Season(2025, THREE_TARGETS, data_zip="bs.zip"),
    Season(
        2027,
        THREE_TARGETS,
        decoder_limit=4 * GIGABYTE,
        decoder_limit_known=True,
        seconds=5 * HOUR,
        memory_bytes=12 * GIGABYTE,
        cpus=2,
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
