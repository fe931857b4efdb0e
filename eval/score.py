"""Scores of a decoded folder against its originals; problems are listed, never averaged away."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from .metrics import Metric, Pixels, known_metrics, measured_metrics
from .pictures import SUFFIXES, PictureError, load, opened, png_header
from .problems import Problem, failed, warning

EIGHT_BIT_RGB = (8, 2)
"""Bit depth and colour type (PNG specification, section 11.2.1)."""

PATIENCE = 3
"""Seconds of scoring after which progress is shown."""


@dataclass(frozen=True)
class PictureScore:
    """What one decoded picture contributes.

    Attributes:
      name: of the picture.
      pixels: height times width.
      losses: of each metric that was measured, by its column.
    """

    name: str
    pixels: int
    losses: Mapping[str, float]

    @property
    def values(self) -> dict[str, float]:
        """Metrics of this picture alone, by key."""
        return {m.key: m.pooled([self.losses[m.column]], [self.pixels]) for m in known_metrics(self.losses)}


@dataclass(frozen=True)
class SetScore:
    """The competition's figures for a whole set.

    Attributes:
      pictures: one score for each.
      by_pixels: whether a mean such as MS-SSIM is weighted by pixels, as since 2020, or the plain one of 2018 and 2019.
    """

    pictures: tuple[PictureScore, ...]
    by_pixels: bool = True

    @property
    def values(self) -> dict[str, float]:
        """The set's metrics, by key."""
        pixels = [picture.pixels for picture in self.pictures]
        columns = {m: [p.losses[m.column] for p in self.pictures] for m in known_metrics(self.pictures[0].losses)}
        return {m.key: m.pooled(losses, pixels, self.by_pixels) for m, losses in columns.items()}


def flatten_pngs(folder: Path) -> tuple[dict[str, Path], list[Problem]]:
    """All PNGs below a folder by base name, as the server collects them; doubled names are problems."""
    found: dict[str, Path] = {}
    problems = []
    for path in sorted(folder.rglob("*.png")):
        where = str(path.relative_to(folder))
        if path.name.startswith("."):
            problems.append(warning(where, "is passed over: a hidden file"))
            continue
        if path.is_symlink() or not path.is_file():
            problems.append(Problem(where, "is a link, a pipe or a folder, not a file"))
            continue
        if path.name in found:
            problems.append(Problem(where, "a second picture of this name"))
        found.setdefault(path.name, path)
    return found, problems


def score_folder(
    originals: Path, decoded: Path, by_pixels: bool = True, metrics: Sequence[Metric] | None = None
) -> tuple[SetScore | None, list[Problem]]:
    """Scores the PNGs below `decoded` against those in `originals`.

    Args:
      originals: folder of the original PNGs.
      decoded: folder of the decoded ones, at any depth.
      by_pixels: how means are pooled, as in SetScore.
      metrics: what is measured, by default what costs little.

    Returns:
      The score, or None where a problem forbids one; and all problems found.
    """
    expected = {path.name: path for path in sorted(originals.glob("*.png")) if not path.name.startswith(".")}
    found, problems = flatten_pngs(decoded)
    problems += _stray_originals(originals)
    if not expected:
        problems.append(Problem(str(originals), "holds no original PNGs"))
    problems += [Problem(name, "missing") for name in expected if name not in found]
    problems += [Problem(name, "not among the originals") for name in found if name not in expected]
    names = sorted(expected.keys() & found.keys())
    scored = score_pairs([(expected[name], found[name]) for name in names], metrics or measured_metrics())
    rows = [one for one in scored if isinstance(one, PictureScore)]
    problems += [one for one in scored if isinstance(one, Problem)]
    return (None if failed(problems) else SetScore(tuple(rows), by_pixels)), problems


def _stray_originals(folder: Path) -> list[Problem]:
    """Pictures below the originals' folder that would not be scored: the set is all of them or none."""
    pictures = (path for path in sorted(folder.rglob("*")) if path.suffix.lower() in SUFFIXES)
    problems = []
    for path in pictures:
        where = str(path.relative_to(folder))
        if path.name.startswith("."):
            problems.append(warning(where, "is passed over: a hidden file"))
        elif path.suffix != ".png" or path.parent != folder:
            problems.append(Problem(where, "cannot be an original: those are .png files without subfolders"))
    return problems


def score_pairs(pairs: Sequence[tuple[Path, Path]], metrics: Sequence[Metric]) -> list[PictureScore | Problem]:
    """Scores each (original, decoded) pair of files, on all cores: a pair keeps one core busy."""
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        results = pool.map(lambda pair: _score_picture(pair[0], pair[1], metrics), pairs)
        return list(tqdm(results, desc="scoring", total=len(pairs), unit="picture", delay=PATIENCE, leave=False))


def _format_fault(path: Path) -> str:
    """Why a readable picture does not count: Pillow alone would take 16 bits for 8, or a JPEG for a PNG."""
    try:
        header = png_header(path)
    except ValueError:
        return "is no PNG file, whatever its name says"
    if (header.depth, header.colours) == EIGHT_BIT_RGB:
        return ""
    return f"has {header.depth} bits a sample and PNG colour type {header.colours}, not 8-bit RGB"


def _score_picture(original: Path, decoded: Path, metrics: Sequence[Metric]) -> PictureScore | Problem:
    pictures: list[Pixels] = []
    for side, path in (("the original ", original), ("", decoded)):
        if not path.is_file():  # a pipe would never end
            return Problem(path.name, f"{side}is no file")
        try:
            with opened(path) as image:
                expected = pictures[0].shape[1::-1] if pictures else image.size
                if image.size != expected:  # before its samples are read: they may fill the memory
                    return Problem(path.name, "is {}x{}, the original {}x{}".format(*image.size, *expected))
                load(path, image)
                if fault := _format_fault(path):
                    return Problem(path.name, side + fault)
                pictures.append(np.array(image))
        except PictureError as error:
            return Problem(path.name, f"{side}cannot be read: {error}")
    first, second = pictures
    pixels = first.shape[0] * first.shape[1]
    return PictureScore(original.stem, pixels, {metric.column: metric.measure(first, second) for metric in metrics})
