"""Conventional codecs on an image set: candidates, and leaderboard rows under the same set-level allocation."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd
import PIL
from tqdm import tqdm

from decoder_pkg.decoder import write_png
from encoder.pictures import Pixels, load_picture, pixels_digest
from eval.baselines import Baseline, BaselineCandidate, baseline_candidates, code, installed, settings_text, tuned
from eval.caches import cache_folder, load_rows, save_rows
from eval.leaderboard import Row
from eval.metrics import SQUARED_ERROR, Distortion, Metric, known_metrics, measured_metrics
from eval.problems import Problem, warning
from eval.provenance import provenance
from eval.score import PictureScore, SetScore
from rate_control.allocation import InfeasibleBudget, TableAllocation, allocate_table
from rate_control.engine import Engine, Here

from ..seasons import Season

Tables = dict[str, pd.DataFrame]
"""Candidate tables by the codec's name; a column more holds the settings of each candidate."""

BASELINES = "baselines"
"""Name of the cache of their figures."""


@dataclass(frozen=True)
class BaselineJob:
    """One picture's candidates of a codec.

    Attributes:
      file: the picture.
      codec: name of the codec.
      cache: folder where the candidates' figures are kept.
      distortion: what is minimised, for which the codec is tuned.
    """

    file: Path
    codec: str
    cache: Path
    distortion: Distortion


def sweep_baselines(
    files: Sequence[Path],
    cache: Path | None = None,
    engine: Engine | None = None,
    codecs: Sequence[str] = (),
    distortion: Distortion = SQUARED_ERROR,
) -> Tables:
    """Candidates of the codecs for every picture; what the cache knows is not made again.

    Args:
      files: one per picture; the stem is its name.
      cache: folder of the candidates' figures, by default this machine's.
      engine: where pictures are coded, by default in this process.
      codecs: by default all that are installed; one that cannot code a picture is left out with a warning.
      distortion: what is minimised: codecs are tuned for it, and it is measured beside what costs little.
    """
    cache = cache or cache_folder(BASELINES)
    names = tuple(codecs) or tuple(baseline.name for baseline in installed())
    # Slow codecs stand last: begun first, they leave no process alone at the end.
    jobs = [BaselineJob(file, name, cache, distortion) for name in reversed(names) for file in files]
    found: dict[BaselineJob, pd.DataFrame] = {}
    progress = tqdm((engine or Here()).map(run_job, jobs), desc="baselines", total=len(jobs), unit="curve")
    for position, table in progress:
        found[jobs[position]] = table
    swept = {}
    for name in names:
        tables = [found[BaselineJob(file, name, cache, distortion)] for file in files]
        lacking = [file.name for file, table in zip(files, tables, strict=True) if table.empty]
        if lacking:
            tqdm.write(f"warning: {name} cannot code {', '.join(lacking)}: it is left out", file=sys.stderr)
        else:
            swept[name] = pd.concat(tables)
    return swept


def run_job(job: BaselineJob) -> pd.DataFrame:
    """The candidates of one codec for one picture, as a candidate table."""
    pixels = load_picture(job.file)
    codec = tuned(next(baseline for baseline in installed() if baseline.name == job.codec), job.distortion)
    return _table(job.file.stem, pixels, _candidates(codec, pixels, job.cache, measured_metrics(job.distortion)))


def _candidates(baseline: Baseline, pixels: Pixels, cache: Path, metrics: Sequence[Metric]) -> list[BaselineCandidate]:
    keys = [metric.key for metric in metrics]
    key = json.dumps([pixels_digest(pixels), asdict(baseline), PIL.__version__, baseline.version, keys])
    path = cache / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"
    rows = load_rows(path)
    if rows is not None:
        return [BaselineCandidate(**row) for row in rows]
    found = list(baseline_candidates(baseline, pixels, metrics))
    save_rows(path, [asdict(candidate) for candidate in found])
    return found


def _table(name: str, pixels: Pixels, candidates: Sequence[BaselineCandidate]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "image": name,
            "candidate": [", ".join(f"{key} {value}" for key, value in c.settings.items()) for c in candidates],
            "bytes": [c.bytes for c in candidates],
            **{
                column: [c.losses[column] for c in candidates]
                for column in (candidates[0].losses if candidates else ())
            },
            "pixels": pixels.shape[0] * pixels.shape[1],
            "settings": [c.settings for c in candidates],
        }
    )


def fit_baselines(
    tables: Tables, target: str, budget: int, distortion: Distortion
) -> tuple[dict[str, TableAllocation], list[Problem]]:
    """The best allocation of each codec whose smallest files fit the budget, and why the others have none."""
    fitted, problems = {}, []
    for name, table in tables.items():
        try:
            fitted[name] = allocate_table(table, budget, distortion)
        except InfeasibleBudget as error:
            problems.append(warning(f"{name}/{target}", str(error)))
    return fitted, problems


def baseline_rows(fitted: Mapping[str, TableAllocation], rules: Season) -> list[Row]:
    """One row per codec, with the settings that its pictures got."""
    codecs, origin = {baseline.name: baseline for baseline in installed()}, provenance(len(os.sched_getaffinity(0)))
    rows = []
    for name, result in fitted.items():
        score = set_score(result, rules)
        settings = settings_text(codecs[name], result.chosen["settings"].tolist())
        size = result.allocation.bytes
        rows.append(Row(name, score.values, size, settings=settings, provenance=origin))
    return rows


def set_score(result: TableAllocation, rules: Season) -> SetScore:
    """The scores of an allocation's pictures, pooled as a season does."""
    columns = [metric.column for metric in known_metrics(result.chosen.columns)]
    rows = result.chosen[["image", "pixels", *columns]].to_dict("records")
    pictures = (PictureScore(row["image"], row["pixels"], {column: row[column] for column in columns}) for row in rows)
    return SetScore(tuple(pictures), rules.ms_ssim_by_pixels)


def write_decoded(name: str, result: TableAllocation, originals: Path, folder: Path) -> dict[str, Path]:
    """Codes every picture as a codec's allocation says, and writes what comes back as PNGs; returns them by name."""
    baseline = {row.name: row for row in installed()}[name]
    chosen = list(zip(result.chosen["image"], result.chosen["settings"], strict=True))
    folder.mkdir(parents=True, exist_ok=True)
    written = {}
    for picture, settings in tqdm(chosen, desc=name, unit="picture", leave=False):
        path = written[f"{picture}.png"] = folder / f"{picture}.png"
        write_png(path, code(baseline, load_picture(originals / path.name), settings)[1])
    return written
