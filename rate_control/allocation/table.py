"""Candidate tables: any codec's candidates, from a data frame or a file."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eval.metrics import METRICS, PSNR, SQUARED_ERROR, Distortion, Metric, known_metrics
from eval.storage import replacing

from .lagrangian import Allocation, OperatingPoints, allocate

COLUMNS = ("image", "candidate", "bytes", *(metric.column for metric in METRICS.values() if metric.is_cheap), "pixels")
"""image and candidate are names; squared_error is summed over all RGB samples, ms_ssim_loss is 1 - MS-SSIM."""

LARGEST = {"bytes": 2**53, "pixels": 2**53}
"""Up to 2^53 every whole number is a float64 of its own."""

WHOLE = ("bytes", "pixels")
SHOWN = 10
"""Columns of a foreign table that a message names."""

PARQUET = ".parquet"
NO_PARQUET = "{}: Parquet files need pyarrow: pip install '.[tables]', or take a CSV file"


class TableError(ValueError):
    """A candidate table or a limit on it makes no sense."""


@dataclass(frozen=True)
class TableAllocation:
    """The chosen rows, one per picture in order of first appearance, and the figures of the allocation."""

    chosen: pd.DataFrame
    allocation: Allocation

    @property
    def values(self) -> dict[str, float]:
        """Metrics of the set, by key."""
        return pooled_values(self.chosen)


def pooled_values(chosen: pd.DataFrame) -> dict[str, float]:
    """Metrics of a set by key, given one row per picture."""
    pixels = chosen["pixels"].tolist()
    return {m.key: m.pooled(chosen[m.column].tolist(), pixels) for m in known_metrics(chosen.columns)}


def picture_values(frame: pd.DataFrame, metric: Metric) -> NDArray[np.float64]:
    """A metric of each row by itself, finite: without any loss it counts as off by one level in one sample."""
    pixels = frame["pixels"].to_numpy(np.float64)
    losses = metric.total(frame[metric.column].to_numpy(np.float64), pixels) / pixels
    if metric.is_sum:
        losses = np.maximum(losses, 1 / pixels)
    return np.array([metric.value(loss) for loss in losses])


def picture_psnr_db(frame: pd.DataFrame) -> NDArray[np.float64]:
    """PSNR in dB of each row by itself; infinite where nothing was lost."""
    return PSNR.decibels(frame[PSNR.column].to_numpy(np.float64) / frame["pixels"].to_numpy(np.float64))


def distortions(frame: pd.DataFrame, distortion: Distortion) -> NDArray[np.float64]:
    """[rows] float64: the distortion of each row, additive over pictures.

    Raises:
      TableError: a metric that counts has no column.
    """
    columns = [metric.column for metric, _ in distortion.terms]
    if missing := [column for column in columns if column not in frame.columns]:
        raise TableError(f"the table has no {' and no '.join(missing)}")
    losses = {column: frame[column].to_numpy(np.float64) for column in columns}
    return distortion.of(losses, frame["pixels"].to_numpy(np.float64))


def decibels(frame: pd.DataFrame, distortion: Distortion) -> NDArray[np.float64]:
    """Quality of each row by itself, as `Distortion.decibels` says.

    A row without any loss counts as off by one level in one sample.
    """
    pixels = frame["pixels"].to_numpy(np.float64)
    least = -10 * np.log10(1 / (PSNR.peak * pixels))
    levels: NDArray[np.float64] = np.minimum(distortion.decibels(distortions(frame, distortion) / pixels), least)
    return levels


def load_table(path: Path) -> pd.DataFrame:
    """Reads a CSV or Parquet file of candidates.

    Raises:
      TableError: the file cannot be read, columns are missing, or values are out of range.
    """
    if path.exists() and not path.is_file():  # a pipe would never end
        raise TableError(f"{path} is no file")
    try:
        frame = pd.read_parquet(path) if _is_parquet(path) else _read_csv(path)
    except ImportError:
        raise TableError(NO_PARQUET.format(path)) from None
    except TableError:
        raise
    except (ValueError, csv.Error) as error:
        raise TableError(f"{path} cannot be read as a table: {error}") from None
    return check_table(frame)


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """Writes a table so that `load_table` reads it: Parquet where the name ends so, else CSV.

    Raises:
      TableError: the library for Parquet is missing.
      OSError: the file cannot be written.
    """
    try:
        with replacing(path) as partial:
            frame.to_parquet(partial, index=False) if _is_parquet(path) else frame.to_csv(partial, index=False)
    except ImportError:
        raise TableError(NO_PARQUET.format(path)) from None


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() == PARQUET


def _read_csv(path: Path) -> pd.DataFrame:
    """Names stay text, whatever they look like: a picture may be called 01 or NA."""
    names, numbers = COLUMNS[:2], COLUMNS[2:]
    missing = {column: [""] for column in numbers}
    with path.open(newline="", encoding="utf-8-sig") as file:
        header = next(csv.reader(file), [])
    if doubled := {name for name in header if header.count(name) > 1}:
        raise TableError(f"{path} has several columns named {', '.join(sorted(doubled))}")
    frame = pd.read_csv(path, dtype=dict.fromkeys(names, str), keep_default_na=False, na_values=missing)
    if not isinstance(frame.index, pd.RangeIndex):  # pandas takes what is too much for an index
        raise TableError(f"{path} has rows with more fields than its header")
    return frame


def check_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Returns the table, bytes and pixels as int64 and distortions as float64, if it is one of candidates.

    Raises:
      TableError: columns are missing, values are out of range, or a picture's pixels differ between its rows.
    """
    missing = [name for name in COLUMNS if name not in frame.columns]
    if missing:
        found = list(frame.columns)[:SHOWN]
        raise TableError(f"columns {missing} are missing; a candidate table has {list(COLUMNS)}, this one {found}")
    if frame.columns.duplicated().any():
        raise TableError("the table has several columns of one name")
    if frame.empty:
        raise TableError("the table has no rows")
    if not all(isinstance(name, str | int) and name != "" for name in frame["image"]):
        raise TableError("every row must name its picture, by a text or a whole number")
    limits = LARGEST | {metric.column: metric.largest for metric in known_metrics(frame.columns)}
    for name, most in limits.items():
        _check_numbers(frame[name], most, whole=name in WHOLE)
    frame = frame.astype({name: np.int64 if name in WHOLE else np.float64 for name in limits})
    if (frame["pixels"] <= 0).any() or (frame.groupby("image")["pixels"].nunique() != 1).any():
        raise TableError("every row of a picture must state the same positive number of pixels")
    return frame


def _check_numbers(column: pd.Series, most: float, whole: bool) -> None:
    if column.isna().any():
        raise TableError(f"{column.name} is missing in some rows")
    plain = pd.api.types.is_integer_dtype(column) or pd.api.types.is_float_dtype(column)
    # Text that looks like a number would be read in one way here and in another one later.
    if not plain and not all(isinstance(value, Real) for value in column):
        raise TableError(f"{column.name} must hold numbers, not text")
    try:
        numbers = column.to_numpy(np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise TableError(f"{column.name} must hold numbers: {error}") from None
    if not ((numbers >= 0) & (numbers <= most)).all():
        raise TableError(f"{column.name} must hold finite numbers, not negative and at most {most:.16g}")
    if whole and (numbers % 1).any():
        raise TableError(f"{column.name} must hold whole numbers")


def allocate_table(frame: pd.DataFrame, budget: int, distortion: Distortion = SQUARED_ERROR) -> TableAllocation:
    """Picks one row per picture: least distortion within `budget` bytes.

    Raises:
      TableError: the table makes no sense.
      InfeasibleBudget: the smallest candidates exceed the budget.
    """
    frame = check_table(frame)
    groups = picture_groups(frame)
    size, loss = frame["bytes"].to_numpy(), distortions(frame, distortion)
    allocation = allocate([OperatingPoints(size[rows], loss[rows]) for rows in groups], budget)
    return TableAllocation(take_rows(frame, groups, allocation.choice), allocation)


def cheapest_rows(frame: pd.DataFrame, multiplier: float, distortion: Distortion = SQUARED_ERROR) -> pd.DataFrame:
    """The row of each picture with the least distortion + multiplier * bytes."""
    cost = distortions(frame, distortion) + multiplier * frame["bytes"].to_numpy(np.float64)
    groups = picture_groups(frame)
    return take_rows(frame, groups, [int(np.argmin(cost[rows])) for rows in groups])


def smallest_rows(frame: pd.DataFrame) -> pd.DataFrame:
    """The row of each picture with the fewest bytes."""
    groups, size = picture_groups(frame), frame["bytes"].to_numpy()
    return take_rows(frame, groups, [int(np.argmin(size[rows])) for rows in groups])


def picture_groups(frame: pd.DataFrame) -> list[NDArray[np.intp]]:
    """Row positions of each picture, in order of first appearance."""
    codes, names = pd.factorize(frame["image"])
    return [np.flatnonzero(codes == code) for code in range(len(names))]


def take_rows(
    frame: pd.DataFrame, groups: Sequence[NDArray[np.intp]], choice: Sequence[int] | NDArray[np.intp]
) -> pd.DataFrame:
    """One row of each picture."""
    return frame.iloc[[int(rows[index]) for rows, index in zip(groups, choice, strict=True)]]
