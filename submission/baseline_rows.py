"""Leaderboard rows of the conventional codecs, each given the same set-level allocation."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import PIL
from tqdm import tqdm

from encoder.pictures import Pixels, load_picture, pixels_digest
from eval.baselines import Baseline, BaselineCandidate, baseline_candidates, installed
from eval.leaderboard import Row
from eval.score import PictureScore, SetScore
from rate_control.allocation import InfeasibleBudget, Options, allocate
from rate_control.engine import Engine, Here

from .zips import write_atomically

Swept = dict[str, list[list[BaselineCandidate]]]
CACHE = Path(".cache/baselines")


@dataclass(frozen=True)
class BaselineJob:
    """One picture's candidates of every codec.

    Attributes:
      file: the picture.
      cache: folder where the candidates' figures are kept.
    """

    file: Path
    cache: Path


def sweep_baselines(files: Sequence[Path], cache: Path = CACHE, engine: Engine | None = None) -> Swept:
    """Candidates of every codec for every picture, by the codec's name; what the cache knows is not made again."""
    jobs = [BaselineJob(file, cache) for file in files]
    found: dict[int, list[list[BaselineCandidate]]] = {}
    for position, rows in tqdm(
        (engine or Here()).map(run_job, jobs), desc="baselines", total=len(jobs), unit="picture"
    ):
        found[position] = rows
    names = [baseline.name for baseline in installed()]
    return {name: [found[position][number] for position in range(len(files))] for number, name in enumerate(names)}


def run_job(job: BaselineJob) -> list[list[BaselineCandidate]]:
    """The candidates of each codec for one picture."""
    pixels = load_picture(job.file)
    return [_candidates(baseline, pixels, job.cache) for baseline in installed()]


def _candidates(baseline: Baseline, pixels: Pixels, cache: Path) -> list[BaselineCandidate]:
    key = json.dumps([pixels_digest(pixels), asdict(baseline), PIL.__version__, baseline.version])
    path = cache / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"
    try:
        return [BaselineCandidate(**row) for row in json.loads(path.read_text())]
    except (OSError, ValueError, TypeError):
        found = list(baseline_candidates(baseline, pixels))
    write_atomically(path, json.dumps([asdict(candidate) for candidate in found]).encode())
    return found


def baseline_rows(swept: Swept, pixels: Sequence[int], budget: int) -> list[Row]:
    """One row per codec whose smallest files fit the budget."""
    rows = []
    for name, pictures in swept.items():
        options = [
            Options(np.array([c.bytes for c in row]), np.array([float(c.squared_error) for c in row]))
            for row in pictures
        ]
        try:
            allocation = allocate(options, budget)
        except InfeasibleBudget:
            continue
        chosen = [row[index] for row, index in zip(pictures, allocation.choice, strict=True)]
        scores = [
            PictureScore("", count, candidate.squared_error, candidate.ms_ssim)
            for candidate, count in zip(chosen, pixels, strict=True)
        ]
        score = SetScore(tuple(scores))
        rows.append(Row(name, score.ms_ssim, score.psnr_db, allocation.bytes))
    return rows
