"""Leaderboard rows of the conventional codecs, each given the same set-level allocation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from encoder.pictures import load_picture
from eval.baselines import BASELINES, BaselineCandidate, baseline_candidates
from eval.leaderboard import Row
from eval.score import PictureScore, SetScore
from rate_control.allocation import InfeasibleBudget, Options, allocate

Swept = dict[str, list[list[BaselineCandidate]]]


def sweep_baselines(files: Sequence[Path]) -> Swept:
    """Candidates of every codec for every picture, by the codec's name."""
    swept: Swept = {baseline.name: [] for baseline in BASELINES}
    with tqdm(total=len(files) * len(BASELINES), desc="baselines", unit="picture") as progress:
        for file in files:
            pixels = load_picture(file)
            for baseline in BASELINES:
                swept[baseline.name].append(list(baseline_candidates(baseline, pixels)))
                progress.update()
    return swept


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
