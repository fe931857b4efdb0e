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

from eval.files import replacing
from eval.metrics import SQUARED_ERROR, Distortion, pooled_psnr, psnr_db
from eval.quality import MS_SSIM, PEAK, PSNR, SAMPLES, Quality, mixed

from .hulls import Allocation, Options, allocate

COLUMNS = ("image", "candidate", "bytes", "squared_error", "ms_ssim_loss", "pixels")
"""image and candidate are names; ms_ssim_loss is 1 - MS-SSIM; squared_error is summed over all RGB samples."""

LARGEST = {"bytes": 2**53, "squared_error": 2**53, "ms_ssim_loss": 2, "pixels": 2**53}
"""Of each column of numbers; up to 2^53 every whole number is a float64 of its own."""

WHOLE = ("bytes", "pixels")
SHOWN = 10
"""Columns of a foreign table that a message names."""

PARQUET = ".parquet"
NO_PARQUET = "{}: Parquet files need pyarrow: pip install '.[tables]', or take a CSV file"
MAX_WEIGHT = 1e6

METRICS = ("psnr", "ms-ssim", "mix")


class TableError(ValueError):
    """A candidate table or a limit on it makes no sense."""


@dataclass(frozen=True)
class Metric:
    """What is minimised.

    Attributes:
      name: `psnr` is the summed squared error, `ms-ssim` the pixel-weighted 1 - MS-SSIM, `mix` their sum.
      weight: of the second against the first in `mix`, where squared errors are taken per sample of range 1:
        sum(squared_error / (3 * 255^2)) + weight * sum(pixels * (1 - MS-SSIM)).
    """

    name: str = "psnr"
    weight: float = 0.1

    def __post_init__(self) -> None:
        """Refuses what is no metric.

        Raises:
          TableError: the name is unknown, or the weight is not positive or out of all proportion.
        """
        if self.name not in METRICS or not 0 < self.weight <= MAX_WEIGHT:
            raise TableError(f"{self.name} with weight {self.weight} is none of {', '.join(METRICS)}")

    @property
    def kind(self) -> Distortion:
        """The weights of both distortions."""
        if self.name == "psnr":
            return SQUARED_ERROR
        return Distortion(0.0, 1.0) if self.name == "ms-ssim" else Distortion(1 / (3 * 255**2), self.weight)

    @property
    def quality(self) -> Quality:
        """What results are compared by."""
        return {"psnr": PSNR, "ms-ssim": MS_SSIM}.get(self.name) or mixed(self.kind)

    def decibels(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        """Quality of each row by itself: PSNR in dB, or minus ten times the logarithm of a pixel's distortion.

        A row without any counts as off by one level in one sample.
        """
        scale = SAMPLES * PEAK**2 if self.kind == SQUARED_ERROR else 1
        pixels = frame["pixels"].to_numpy(np.float64)
        least = 1 / (SAMPLES * PEAK**2 * pixels)
        levels: NDArray[np.float64] = -10 * np.log10(np.maximum(self.distortion(frame) / (scale * pixels), least))
        return levels

    def distortion(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        """[rows] float64, additive over pictures."""
        error, loss, pixels = (frame[name].to_numpy(np.float64) for name in ("squared_error", "ms_ssim_loss", "pixels"))
        return self.kind.of(error, loss, pixels)


@dataclass(frozen=True)
class TableAllocation:
    """The chosen rows, one per picture in order of first appearance, and the figures of the allocation."""

    chosen: pd.DataFrame
    allocation: Allocation

    @property
    def psnr_db(self) -> float:
        """PSNR from one mean squared error over the set."""
        return pooled_psnr_db(self.chosen)

    @property
    def ms_ssim(self) -> float:
        """MS-SSIM weighted by pixels."""
        return pooled_similarity(self.chosen)


def pooled_psnr_db(chosen: pd.DataFrame) -> float:
    """PSNR in dB of one row per picture, from one mean squared error."""
    return pooled_psnr(chosen["squared_error"].tolist(), (SAMPLES * chosen["pixels"]).tolist())


def pooled_similarity(chosen: pd.DataFrame) -> float:
    """MS-SSIM of one row per picture, weighted by pixels."""
    return 1 - float(np.average(chosen["ms_ssim_loss"], weights=chosen["pixels"]))


def picture_psnr_db(frame: pd.DataFrame) -> NDArray[np.float64]:
    """PSNR in dB of each row by itself."""
    errors, pixels = (frame[name].to_numpy(np.float64) for name in ("squared_error", "pixels"))
    return psnr_db(errors, SAMPLES * pixels)


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
    except ValueError as error:
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
    for name, most in LARGEST.items():
        _check_numbers(frame[name], most, whole=name in WHOLE)
    frame = frame.astype({name: np.int64 if name in WHOLE else np.float64 for name in LARGEST})
    if (frame["pixels"] <= 0).any() or (frame.groupby("image")["pixels"].nunique() != 1).any():
        raise TableError("every row of a picture must state the same positive number of pixels")
    return frame


def _check_numbers(column: pd.Series, most: int, whole: bool) -> None:
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
        raise TableError(f"{column.name} must hold finite numbers, not negative and at most {most}")
    if whole and (numbers % 1).any():
        raise TableError(f"{column.name} must hold whole numbers")


def allocate_table(frame: pd.DataFrame, budget: int, metric: Metric | None = None) -> TableAllocation:
    """Picks one row per picture: least distortion within `budget` bytes.

    Raises:
      TableError: the table makes no sense.
      InfeasibleBudget: the smallest candidates exceed the budget.
    """
    frame = check_table(frame)
    groups = picture_groups(frame)
    distortion = (metric or Metric()).distortion(frame)
    size = frame["bytes"].to_numpy()
    allocation = allocate([Options(size[rows], distortion[rows]) for rows in groups], budget)
    return TableAllocation(take_rows(frame, groups, allocation.choice), allocation)


def cheapest_rows(frame: pd.DataFrame, slope: float, metric: Metric | None = None) -> pd.DataFrame:
    """The row of each picture with the least distortion + slope * bytes."""
    cost = (metric or Metric()).distortion(frame) + slope * frame["bytes"].to_numpy(np.float64)
    groups = picture_groups(frame)
    return take_rows(frame, groups, [int(np.argmin(cost[rows])) for rows in groups])


def picture_groups(frame: pd.DataFrame) -> list[NDArray[np.intp]]:
    """Row positions of each picture, in order of first appearance."""
    codes, names = pd.factorize(frame["image"])
    return [np.flatnonzero(codes == code) for code in range(len(names))]


def take_rows(
    frame: pd.DataFrame, groups: Sequence[NDArray[np.intp]], choice: Sequence[int] | NDArray[np.intp]
) -> pd.DataFrame:
    """One row of each picture."""
    return frame.iloc[[int(rows[index]) for rows, index in zip(groups, choice, strict=True)]]
