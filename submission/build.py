"""From photographs to a rehearsed submission: encode, allocate, pack, rehearse, score."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from decoder_pkg.commands import DATA_ZIP, ZIP_MEMBER
from encoder.cache import CandidateCache
from encoder.presets import PRESETS, Preset
from encoder.weights import Zoo
from eval.leaderboard import Row
from eval.provenance import provenance
from eval.score import Problem, SetScore, flatten_pngs, score_folder
from rate_control.budget import budget_bytes
from rate_control.engine import Engine
from rate_control.jobs import PresetRefinement
from rate_control.set_coder import SetCoder

from .decoder_zip import BuildError, DecoderZip, build_decoder_zip, bundle_sha256
from .rehearsal import Rehearsal, rehearse
from .zips import build_zip, write_atomically

TEAM = "this codec"
DECODER_ZIP = "decoder.zip"
SUBMISSION_ZIP = "submission.zip"


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

    def row(self, decoder_zip: Path, team: str = TEAM) -> Row:
        """The leaderboard row of a team that submits this decoder."""
        return Row(
            team,
            self.score.ms_ssim,
            self.score.psnr_db,
            self.data_bytes,
            decoder_zip.stat().st_size,
            self.rehearsal.seconds,
            provenance=provenance(len(os.sched_getaffinity(0)), bundle_sha256(decoder_zip)),
        )


def pack_decoder(dist: Path, limit: int | None = None) -> DecoderZip:
    """Writes dist/decoder.zip.

    Raises:
      BuildError: a part is missing, or the package is larger than `limit` bytes.
    """
    package = build_decoder_zip()
    if limit is not None and len(package.data) > limit:
        raise BuildError(f"decoder.zip takes {len(package.data)} bytes, the season allows {limit}: ship fewer models")
    write_atomically(dist / DECODER_ZIP, package.data)
    return package


def pack_targets(
    zoo: Zoo,
    files: Sequence[Path],
    targets: Sequence[str],
    dist: Path,
    cache: CandidateCache,
    preset: Preset = PRESETS[0],
    engine: Engine | None = None,
) -> dict[str, int]:
    """Encodes the set and writes dist/<target>/bs.zip; returns the budget of each target.

    Raises:
      InfeasibleBudget: a target is too small for the set.
    """
    coder = SetCoder(zoo, files, cache, engine=engine)
    coder.sweep()
    budgets = {target: budget_bytes(coder.pixels, target) for target in targets}
    overhead = len(build_zip({ZIP_MEMBER: b""}))
    for target, budget in budgets.items():
        data = build_zip({ZIP_MEMBER: coder.fill(budget - overhead, PresetRefinement(preset), preset.saving).data})
        assert len(data) <= budget
        write_atomically(dist / target / DATA_ZIP, data)
    return budgets


def pack_submission(dist: Path, targets: Sequence[str]) -> None:
    """Writes dist/submission.zip, which holds the decoder and the data of every target."""
    names = [DECODER_ZIP, *(f"{target}/{DATA_ZIP}" for target in targets)]
    write_atomically(dist / SUBMISSION_ZIP, build_zip({name: (dist / name).read_bytes() for name in names}))


def rehearse_target(dist: Path, target: str, originals: Path, budget: int, keep: Path | None = None) -> TargetResult:
    """Runs the packed decoder on the packed data as the server would, and scores what it wrote.

    Args:
      dist: folder of decoder.zip and <target>/bs.zip.
      target: bits per pixel, as the folder is named.
      originals: folder of the original PNGs.
      budget: bytes, for the report.
      keep: folder that gets the decoded PNGs, without subfolders.

    Raises:
      RehearsalError: the decoder failed, or pictures are missing, extra or wrong.
    """
    data_zip = dist / target / DATA_ZIP
    with rehearse(dist / DECODER_ZIP, data_zip) as run:
        score, problems = score_folder(originals, run.folder)
        if keep and score:
            copy_pictures(run.folder, keep)
    if run.exit_code or score is None:
        listed = "\n".join(f"  {problem.file}: {problem.message}" for problem in problems)
        message = f"target {target}: ./decode ended with {run.exit_code}\n{listed}\nits log:\n{run.log}"
        raise RehearsalError(message, problems)
    return TargetResult(target, budget, data_zip.stat().st_size, run, score)


def copy_pictures(source: Path, target: Path) -> None:
    """Copies all PNGs below a folder into another one, without subfolders."""
    target.mkdir(parents=True, exist_ok=True)
    for path in flatten_pngs(source)[0].values():
        shutil.copyfile(path, target / path.name)
