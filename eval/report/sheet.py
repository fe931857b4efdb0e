"""Picture by picture against another codec: a table, and a sheet of crops of the worst and the best."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ..metrics import METRICS, PSNR, Figure, Metric, Pixels
from ..pictures import opened
from ..score import SetScore

CROP = 256
"""Largest side of a crop in pixels; crops are shown 1:1."""

SHOWN = 3
"""Pictures at either end of the table that the sheet shows."""

AMPLIFIED = 8
MARGIN, LINE, FONT_SIZE = 8, 18, 13


@dataclass(frozen=True)
class Contestant:
    """A codec's result on a set: its name, scores and decoded PNGs by file name."""

    name: str
    score: SetScore
    pictures: Mapping[str, Path]


def picture_table(ours: SetScore, other: SetScore, figure: Figure = PSNR) -> pd.DataFrame:
    """One row per picture, those first where we are furthest behind in a figure: the metrics of both.

    Raises:
      ValueError: the scores are of different sets.
    """
    if [p.name for p in ours.pictures] != [p.name for p in other.pictures]:
        raise ValueError("the two scores are of different sets")
    table = pd.DataFrame({"image": [p.name for p in ours.pictures], "pixels": [p.pixels for p in ours.pictures]})
    for metric in _shared(ours, other):
        table[metric.name] = [p.values[metric.key] for p in ours.pictures]
        table[f"{metric.name}, other"] = [p.values[metric.key] for p in other.pictures]
    first, second = (np.array([figure.rank(p.values) for p in score.pictures]) for score in (other, ours))
    gain = f"gain ({figure.unit})"
    with np.errstate(invalid="ignore"):
        table[gain] = first - second  # no number where neither lost anything
    return table.sort_values(gain, kind="stable", ignore_index=True)


def _shared(ours: SetScore, other: SetScore) -> list[Metric]:
    """The metrics that both were measured in."""
    return [metric for metric in METRICS.values() if metric.key in ours.values.keys() & other.values.keys()]


def comparison_sheet(originals: Path, ours: Contestant, other: Contestant, figure: Figure = PSNR) -> bytes:
    """A PNG of the worst and best pictures against the other codec: original, ours, other, our error, at 1:1.

    Args:
      originals: folder of the original PNGs.
      ours: the one whose errors are shown.
      other: with pictures of the same names.
      figure: in which they are the worst and the best.
    """
    table = picture_table(ours.score, other.score, figure)
    metrics = _shared(ours.score, other.score)
    rows = [_strip(originals, ours, other, line, metrics) for line in _ends(table)]
    height, width = sum(row.height for row in rows), max(row.width for row in rows)
    page = Image.new("RGB", (width, height), "white")
    top = 0
    for row in rows:
        page.paste(row, (0, top))
        top += row.height
    buffer = io.BytesIO()
    page.save(buffer, format="PNG")
    return buffer.getvalue()


def _ends(table: pd.DataFrame) -> list[dict[str, float | str]]:
    """The first and last lines of the table, each once, with their place."""
    last = len(table) - 1
    places = sorted({*range(min(SHOWN, last + 1)), *range(max(0, last - SHOWN + 1), last + 1)})
    names = {place: f"worst {place + 1}" if 2 * place <= last else f"best {last - place + 1}" for place in places}
    return [{"place": names[place], **{str(k): v for k, v in table.iloc[place].items()}} for place in places]


def _strip(
    originals: Path, ours: Contestant, other: Contestant, line: dict[str, float | str], metrics: Sequence[Metric]
) -> Image.Image:
    """One picture's four crops side by side, each with its caption."""
    file = f"{line['image']}.png"
    original, mine, theirs = (_load(path) for path in (originals / file, ours.pictures[file], other.pictures[file]))
    window = telling_crop(original, mine, theirs, find_worst=str(line["place"]).startswith("worst"))
    error = np.minimum(AMPLIFIED * np.abs(original.astype(np.int16) - mine), 255).astype(np.uint8)
    captions = (
        f"{line['place']}: {line['image']}",
        "  ".join([ours.name, *(f"{metric.name} {line[metric.name]:{metric.form}}" for metric in metrics)]),
        "  ".join(
            [other.name, *(f"{metric.name} {line[f'{metric.name}, other']:{metric.form}}" for metric in metrics)]
        ),
        f"error of {ours.name}, {AMPLIFIED} times",
    )
    return _side_by_side([picture[window] for picture in (original, mine, theirs, error)], captions)


def telling_crop(original: Pixels, ours: Pixels, other: Pixels, find_worst: bool) -> tuple[slice, slice]:
    """The crop where our squared error exceeds the other's most, or falls below it most: slices of rows and columns.

    Args:
      original: [H, W, 3] uint8.
      ours: the same shape.
      other: the same shape.
      find_worst: which of the two.
    """
    first, second = (np.square(original.astype(np.int64) - picture).sum(axis=2) for picture in (ours, other))
    height, width = (min(CROP, side) for side in original.shape[:2])
    sums = _window_sums(first - second if find_worst else second - first, height, width)
    top, left = divmod(int(sums.argmax()), sums.shape[1])
    return slice(top, top + height), slice(left, left + width)


def _window_sums(values: NDArray[np.int64], height: int, width: int) -> NDArray[np.int64]:
    """Sums over every window of a [H, W] map, from its summed-area table."""
    area = np.pad(values.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    tall = area[height:] - area[:-height]
    sums: NDArray[np.int64] = tall[:, width:] - tall[:, :-width]
    return sums


def _load(path: Path) -> Pixels:
    with opened(path) as image:
        return np.asarray(image.convert("RGB"))


def _side_by_side(crops: Sequence[Pixels], captions: Sequence[str]) -> Image.Image:
    """Crops of one size in a row below their captions, as wide as the largest crop allows."""
    height = crops[0].shape[0]
    strip = Image.new("RGB", (len(crops) * (CROP + MARGIN) + MARGIN, height + LINE + 2 * MARGIN), "white")
    draw, font = ImageDraw.Draw(strip), ImageFont.load_default(FONT_SIZE)
    for number, (crop, caption) in enumerate(zip(crops, captions, strict=True)):
        left = MARGIN + number * (CROP + MARGIN)
        while draw.textlength(caption, font) > CROP:
            caption = caption[:-1]
        draw.text((left, MARGIN), caption, fill="black", font=font)
        strip.paste(Image.fromarray(np.ascontiguousarray(crop)), (left, MARGIN + LINE))
    return strip
