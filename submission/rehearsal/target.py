"""Targets rehearsed and scored."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from eval.leaderboard import Row
from eval.machine import provenance
from eval.metrics import Metric
from eval.problems import Problem
from eval.score import SetScore, score_folder
from eval.storage import cache_folder, write_atomically
from rate_control.allocation import budget_bytes

from ..package import DECODER_ZIP, ORIGINALS, RULES, TEAM, Needs, bundle_sha256, copy_pictures, packed_needs, set_pixels
from ..seasons import Season
from .run import Rehearsal, rehearse

LOGS = "rehearsal"
"""Name of the cache where each target's last log is kept: not in dist, which is the same after every run."""


class RehearsalError(Exception):
    """The decoder package did not reproduce the set.

    Attributes:
      problems: what is wrong with its pictures.
    """

    def __init__(self, message: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


@dataclass(frozen=True)
class TargetResult:
    """One target's data, its rehearsal and its score."""

    target: str
    budget: int
    data_bytes: int
    rehearsal: Rehearsal
    score: SetScore
    needs: Needs

    def row(self, decoder_zip: Path, team: str = TEAM) -> Row:
        """The leaderboard row of a team that submits this decoder."""
        return Row(
            team,
            self.score.values,
            self.data_bytes,
            decoder_zip.stat().st_size,
            self.rehearsal.seconds,
            provenance=provenance(len(os.sched_getaffinity(0)), bundle_sha256(decoder_zip)),
        )


def rehearse_target(
    dist: Path,
    target: str,
    originals: Path,
    budget: int,
    rules: Season = RULES,
    keep: Path | None = None,
    metrics: Sequence[Metric] | None = None,
) -> TargetResult:
    """Runs the packed decoder on the packed data as the server would, scores what it wrote and keeps its log.

    Args:
      dist: folder of decoder.zip and <target>/bs.zip.
      target: bits per pixel, as the folder is named.
      originals: folder of the original PNGs.
      budget: bytes, for the report.
      rules: the season's.
      keep: folder that gets the decoded PNGs, without subfolders.
      metrics: what is measured, by default what costs little.

    Raises:
      RehearsalError: the decoder failed, or pictures are missing, extra or wrong.
    """
    data_zip = dist / target / rules.data_name
    with rehearse(dist / DECODER_ZIP, data_zip, rules, [originals]) as run:
        score, problems = score_folder(originals, run.folder, rules.ms_ssim_by_pixels, metrics)
        if keep and score:
            copy_pictures(run.folder, keep)
    write_atomically(cache_folder(LOGS) / f"{target}.log", run.log.encode())
    if run.failure or score is None:
        listed = "\n".join(f"  {problem.where}: {problem.message}" for problem in problems)
        message = f"target {target}: {run.failure or 'the set is damaged'}\n{listed}\nits log:\n{run.log}"
        raise RehearsalError(message, problems)
    return TargetResult(target, budget, data_zip.stat().st_size, run, score, packed_needs(dist / DECODER_ZIP, data_zip))


def rehearse_all(dist: Path, rules: Season, repeats: int) -> list[list[TargetResult]]:
    """Runs every target that dist holds.

    Raises:
      RehearsalError: one did not reproduce the set, or there is nothing to rehearse.
    """
    targets = [target for target in rules.targets if (dist / target / rules.data_name).exists()]
    if not targets:
        raise RehearsalError(f"{dist} holds no data of {rules.year}: run `make submission` first")
    originals = dist / ORIGINALS
    pixels = set_pixels(originals)
    return [
        [rehearse_target(dist, target, originals, budget_bytes(pixels, target), rules) for _ in range(repeats)]
        for target in targets
    ]
