"""Codecs on an image set as candidate tables, and the two kinds of curve they give."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from decoder_pkg.gains import GAIN_COUNT
from encoder.candidates import CandidateCache
from encoder.codecs import trained_multiplier
from encoder.models import Zoo
from encoder.presets import Preset
from eval.baselines import installed, settings_text
from eval.machine import Provenance, provenance
from eval.metrics import METRICS, PSNR, Distortion, Metric, known_metrics
from eval.report import MEAN, SET, Curve
from rate_control.allocation import TableError, lower_hull, picture_values
from rate_control.candidate_set import along
from rate_control.engines import Engine
from rate_control.jobs import refinement
from rate_control.plots import set_curve
from rate_control.set_coder import SetCoder

from ..leaderboard import Tables

LEAST_LOSS = 1e-9
"""Of a metric's peak, so that there is a logarithm where nothing was lost."""

MULTIPLIER_GAINS = range(5, GAIN_COUNT, 9)
"""Presets are measured at the Lagrange multipliers where these gains were trained: about 0.05 to 0.5 bits per pixel."""


@dataclass(frozen=True)
class Codec:
    """A codec's candidates on a set, and how they came about.

    Attributes:
      name: as curves show it.
      table: candidate table; a candidate's name is its setting, the same for every picture.
      settings: what it was told.
      provenance: of all its points.
      metric: what its curves are the best in.
    """

    name: str
    table: pd.DataFrame
    settings: str
    provenance: Provenance
    metric: Metric = PSNR

    @property
    def pixels(self) -> dict[str, int]:
        """Pixels of each picture of the set, by name."""
        return {str(image): int(count) for image, count in self.table.groupby("image")["pixels"].first().items()}

    @cached_property
    def curves(self) -> list[Curve]:
        """Means over the pictures at each setting, and the set at one Lagrange multiplier."""
        return [mean_curve(self.name, self.table, self.metric), whole_set_curve(self.name, self.table, self.metric)]


def model_codecs(zoo: Zoo, files: Sequence[Path], groups: Sequence[Sequence[int]], engine: Engine) -> list[Codec]:
    """The sweep of each group of models: all sizes are real bytes, payload and picture header, as in a set."""
    if not groups:
        return []
    metrics = [_metric(zoo, group) for group in groups]
    coder = SetCoder(zoo, files, CandidateCache(), _sum_of(metrics), engine=engine)
    coder.sweep()
    table = coder.table()
    settings = table[["model", "gain", "q"]].itertuples(index=False)
    table["candidate"] = [f"model {model}, gain {gain}, q {q}" for model, gain, q in settings]
    origin = provenance(1, zoo.bundle.digest.hex())
    return [
        Codec(_name(group, metric), table[table["model"].isin(group)], "", origin, metric)
        for group, metric in zip(groups, metrics, strict=True)
    ]


def _metric(zoo: Zoo, group: Sequence[int]) -> Metric:
    """What some models were trained for: that of the first that is not PSNR."""
    keys = (zoo.models[number].metric for number in group)
    return next((METRICS[key] for key in keys if key != PSNR.key), PSNR)


def _sum_of(metrics: Sequence[Metric]) -> Distortion:
    """A distortion in which all metrics count, so that their models are swept."""
    return Distortion(tuple((metric.key, 1.0) for metric in dict.fromkeys(metrics)))


def _name(group: Sequence[int], metric: Metric) -> str:
    if len(group) == 1:
        return f"this codec, model {group[0]}"
    return _named("this codec", metric)


def _named(name: str, metric: Metric) -> str:
    return name if metric is PSNR else f"{name}, for {metric.name}"


def preset_codecs(zoo: Zoo, files: Sequence[Path], presets: Sequence[Preset], engine: Engine) -> list[Codec]:
    """What a preset finds for each picture at a few Lagrange multipliers; real bytes as in `model_codecs`."""
    codecs = []
    for preset in presets:
        coder = SetCoder(zoo, files, CandidateCache(), engine=engine)
        table = along(coder, [trained_multiplier(gain) for gain in MULTIPLIER_GAINS], refinement(preset))
        table["candidate"] = [f"multiplier {multiplier:.6g}" for multiplier in table["multiplier"]]
        codecs.append(Codec(f"this codec, {preset.name}", table, "", provenance(1, zoo.bundle.digest.hex())))
    return codecs


def baseline_codecs(tables: Tables, metrics: Sequence[Metric] = (PSNR,)) -> list[Codec]:
    """Conventional codecs at every setting that was tried, with the curve that is the best in each metric."""
    codecs, origin = {baseline.name: baseline for baseline in installed()}, provenance(1)
    return [
        Codec(_named(name, metric), table, settings_text(codecs[name], table["settings"].tolist()), origin, metric)
        for metric in metrics
        for name, table in tables.items()
    ]


def mean_curve(name: str, table: pd.DataFrame, metric: Metric = PSNR) -> Curve:
    """Means over the pictures of rate and metrics; settings are left out that others beat, alone or mixed.

    A picture that comes back exactly counts as off by one level in one sample, so that a mean exists.
    A setting that lacks a picture is left out, with a warning: its means would be those of another set.

    Raises:
      TableError: every setting lacks one.
    """
    table = _complete(name, table)
    points = pd.DataFrame({"setting": table["candidate"], "bpp": 8 * table["bytes"] / table["pixels"]})
    for known in known_metrics(table.columns):
        points[known.field] = picture_values(table, known)
    return _curve(name, MEAN, points.groupby("setting", sort=False).mean(), metric)


def _complete(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the settings that every picture has."""
    pictures = set(table["image"])
    missing = {
        str(setting): pictures - set(images) for setting, images in table.groupby("candidate", sort=False)["image"]
    }
    lacking = {setting: sorted(images) for setting, images in missing.items() if images}
    for setting, images in lacking.items():
        tqdm.write(f"warning: {name} has no {', '.join(images)} at {setting}: the means lack it", file=sys.stderr)
    if len(lacking) == len(missing):
        raise TableError(f"{name} codes all pictures at no setting: there are no means")
    return table[~table["candidate"].isin(list(lacking))]


def whole_set_curve(name: str, table: pd.DataFrame, metric: Metric = PSNR) -> Curve:
    """The whole set at one Lagrange multiplier, over byte budgets from the least possible to the most."""
    return _curve(name, SET, set_curve(table, Distortion(((metric.key, 1.0),))), metric)


def _curve(name: str, kind: str, points: pd.DataFrame, metric: Metric) -> Curve:
    bpp = points["bpp"].to_numpy(np.float64)
    losses = points[metric.field].map(metric.loss).to_numpy(np.float64)
    kept = lower_hull(bpp, -metric.decibels(np.maximum(losses, LEAST_LOSS * metric.peak)))
    known = [one for one in METRICS.values() if one.field in points]
    return Curve(name, kind, tuple(bpp[kept]), {one.key: tuple(points[one.field].to_numpy()[kept]) for one in known})
