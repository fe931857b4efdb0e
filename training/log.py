"""The log of a run: one row of a CSV file for each evaluation."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from eval.storage import read_plain, write_atomically

from .run_folder import RunError
from .tasks import EVALUATION_GAINS, RatePoint

MEANS = ("loss", "gradient_norm", "learning_rate_factor")
"""What iterations report; a row has the means since the row before."""

QUALITIES = {"bpp": "bpp", "psnr": "psnr_db", "hyper_bpp": "hyper_bpp", "ms_ssim": "ms_ssim"}
"""Columns of each evaluated gain, by the field of a rate point."""

COLUMNS = ("iteration", "hours", *MEANS, *(f"{name}_{gain}" for gain in EVALUATION_GAINS for name in QUALITIES))


def log_row(iteration: int, hours: float, means: Mapping[str, float], points: Sequence[RatePoint]) -> list[float]:
    """The values of one row."""
    values = [getattr(point, field) for point in points for field in QUALITIES.values()]
    return [iteration, round(hours, 4), *(means[name] for name in MEANS), *values]


def append_row(log: Path, row: Sequence[float]) -> None:
    """Adds a row; the file is whole at every moment."""
    rows = [*read_rows(log), list(map(str, row))]
    write_rows(log, rows)


def forget_rows_after(log: Path, iteration: int) -> None:
    """Drops what a run that was killed had written after its last checkpoint: it will be written again.

    Raises:
      RunError: the file is no log of this kind.
    """
    if log.exists():
        write_rows(log, [row for row in read_rows(log) if int(row[0]) <= iteration])


def read_rows(log: Path) -> list[list[str]]:
    """The rows of a log, none where there is no file or an empty one.

    Raises:
      RunError: the file is no log of this kind.
    """
    text = read_plain(log).decode(errors="replace") if log.exists() else ""
    # Without csv, which knows quotes and refuses long fields: a run writes neither.
    lines = [line.split(",") for line in text.splitlines() if line]
    for number, row in enumerate(lines, start=1):
        if row != list(COLUMNS) if number == 1 else not _is_row(row):
            raise RunError(f"{log}, row {number}, is not what a run writes: move the file away, and a new one is begun")
    return lines[1:]


def write_rows(log: Path, rows: Sequence[Sequence[str]]) -> None:
    """Writes a log of these rows."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *rows])
    write_atomically(log, text.getvalue().encode())


def _is_row(row: Sequence[str]) -> bool:
    try:
        return len([float(value) for value in row]) == len(COLUMNS) and int(row[0]) >= 0
    except ValueError:
        return False
