"""The leaderboard: one row per team and target, sorted as the competition sorts, or by what was asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

import pandas as pd

from .machine import Provenance
from .metrics import METRICS, MS_SSIM, PSNR, Figure

PUBLISHED = " (published)"
"""Ends the label of a published row, and of no other."""


@dataclass(frozen=True)
class Row:
    """One team's result at one target; None is unknown.

    Attributes:
      team: name.
      values: the set's metrics, by key.
      data_bytes: size of what counts towards the budget.
      decoder_bytes: size of the decoder, None too where there is none to submit.
      seconds: decoding time of the set.
      settings: what a conventional codec was told.
      source: where a published result stands; empty for one that was measured here.
      provenance: how a result was measured here.
    """

    team: str
    values: Mapping[str, float | None]
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
    "MSSSIM": lambda row: MS_SSIM.text(MS_SSIM.of(row.values)),
    "PSNR": lambda row: PSNR.text(PSNR.of(row.values)),
    "FID": lambda row: "",
    "ELO": lambda row: "",
    "Data size": lambda row: _known(row.data_bytes, "d"),
    "Decoder size": lambda row: _known(row.decoder_bytes, "d"),
    "Decoding time (s)": lambda row: _known(row.seconds, ".1f"),
    "Decoding time": lambda row: _known(row.seconds, ".1f"),
    "Date": lambda row: row.date,
}
"""Text of every column that a season shows; FID needs the organisers' network, ELO people."""


def ordered(rows: Sequence[Row], figure: Figure) -> list[Row]:
    """Rows, the best first; those whose figure is unknown last."""
    return sorted(rows, key=lambda row: (figure.rank(row.values), row.label))


def leaderboard(rows: Sequence[Row], columns: Sequence[str], figure: Figure = PSNR) -> pd.DataFrame:
    """A season's columns, the best row first.

    Raises:
      KeyError: no such column is known.
    """
    best_first = ordered(rows, figure)
    return pd.DataFrame({name: [CELLS[name](row) for row in best_first] for name in columns}, dtype=str)


def average_table(board: Board, figure: Figure = PSNR) -> pd.DataFrame:
    """The figure at every target and their mean, best mean first (Table 1 of Zhao et al. 2021 has it of PSNR).

    A team that lacks a target has no mean and comes after those that have one.
    """
    scores: dict[str, dict[str, float]] = {}
    for target, rows in board.items():
        for row in rows:
            known = scores.setdefault(row.label, {})
            if (value := figure.of(row.values)) is not None:
                known[target] = value
    means = {team: sum(of.values()) / len(board) for team, of in scores.items() if len(of) == len(board)}
    teams = sorted(scores, key=lambda team: (team not in means, -figure.sign * means.get(team, 0.0), team))
    table: dict[str, list[str]] = {"Team": teams}
    for target in board:
        table[target] = [figure.text(scores[team].get(target)) for team in teams]
    table["Average"] = [figure.text(means.get(team)) for team in teams]
    return pd.DataFrame(table, dtype=str)


def records(board: Board, figure: Figure = PSNR) -> pd.DataFrame:
    """Everything known of every row, one line each, for a CSV file; unknown values are empty."""
    lines = []
    for target, rows in board.items():
        for row in ordered(rows, figure):
            flat = asdict(row)
            values = flat.pop("values")
            flat |= {metric.field: values[metric.key] for metric in METRICS.values() if metric.key in values}
            flat |= flat.pop("provenance") or dict.fromkeys(Provenance.__dataclass_fields__)
            lines.append({"target": target, **flat})
    return pd.DataFrame(lines, dtype=object)
