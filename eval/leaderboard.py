"""The leaderboard: one row per team and target, sorted as the competition sorts."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

import pandas as pd

from .provenance import Provenance

PUBLISHED = " (published)"
"""Ends the label of a published row, and of no other."""


@dataclass(frozen=True)
class Row:
    """One team's result at one target; None is unknown.

    Attributes:
      team: name.
      ms_ssim, psnr_db: scores of the set.
      data_bytes: size of what counts towards the budget.
      decoder_bytes: size of the decoder, None too where there is none to submit.
      seconds: decoding time of the set.
      settings: what a conventional codec was told.
      source: where a published result stands; empty for one that was measured here.
      provenance: how a result was measured here.
    """

    team: str
    ms_ssim: float | None
    psnr_db: float
    data_bytes: int | None = None
    decoder_bytes: int | None = None
    seconds: float | None = None
    settings: str = ""
    source: str = ""
    provenance: Provenance | None = None

    @property
    def label(self) -> str:
        """The team, marked where the result is a published one."""
        return f"{self.team}{PUBLISHED}" if self.source else self.team

    @property
    def date(self) -> str:
        """Day of the measurement; empty where it is unknown."""
        return self.provenance.date.split()[0] if self.provenance else ""


Board = Mapping[str, Sequence[Row]]
"""Rows by target."""


def _known(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


CELLS: dict[str, Callable[[Row], str]] = {
    "Team": lambda row: row.label,
    "MSSSIM": lambda row: _known(row.ms_ssim, ".5f"),
    "PSNR": lambda row: _known(row.psnr_db, ".3f"),
    "FID": lambda row: "",
    "ELO": lambda row: "",
    "Data size": lambda row: _known(row.data_bytes, "d"),
    "Decoder size": lambda row: _known(row.decoder_bytes, "d"),
    "Decoding time (s)": lambda row: _known(row.seconds, ".1f"),
    "Decoding time": lambda row: _known(row.seconds, ".1f"),
    "Date": lambda row: row.date,
}
"""Text of every column that a season shows; FID needs the organisers' network, ELO people."""


def leaderboard(rows: Sequence[Row], columns: Sequence[str]) -> pd.DataFrame:
    """A season's columns, best PSNR first.

    Raises:
      KeyError: no such column is known.
    """
    ordered = sorted(rows, key=lambda row: (-row.psnr_db, row.label))
    return pd.DataFrame({name: [CELLS[name](row) for row in ordered] for name in columns}, dtype=str)


def average_table(board: Board) -> pd.DataFrame:
    """PSNR at every target and their mean, best mean first (Table 1 of Zhao et al. 2021).

    A team that lacks a target has no mean and comes after those that have one.
    """
    scores: dict[str, dict[str, float]] = {}
    for target, rows in board.items():
        for row in rows:
            scores.setdefault(row.label, {})[target] = row.psnr_db

    def mean(team: str) -> float:
        return sum(scores[team].values()) / len(board) if len(scores[team]) == len(board) else -math.inf

    ordered = sorted(scores, key=lambda team: (-mean(team), team))
    table: dict[str, list[str]] = {"Team": ordered}
    for target in board:
        table[target] = [_known(scores[team].get(target), ".3f") for team in ordered]
    table["Average"] = ["" if mean(team) == -math.inf else f"{mean(team):.3f}" for team in ordered]
    return pd.DataFrame(table, dtype=str)


def records(board: Board) -> pd.DataFrame:
    """Everything known of every row, one line each, for a CSV file; unknown values are empty."""
    lines = []
    for target, rows in board.items():
        for row in sorted(rows, key=lambda row: (-row.psnr_db, row.label)):
            flat = asdict(row)
            flat |= flat.pop("provenance") or dict.fromkeys(Provenance.__dataclass_fields__)
            lines.append({"target": target, **flat})
    return pd.DataFrame(lines, dtype=object)
