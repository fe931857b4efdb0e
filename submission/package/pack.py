"""From photographs to a rehearsed submission: encode, allocate, pack, rehearse, score."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from decoder_pkg.commands import ZIP_MEMBER
from decoder_pkg.models import WEIGHTS
from decoder_pkg.stream import checked_members, open_zip, read_member
from encoder.candidates import CandidateCache
from encoder.models import Zoo
from encoder.presets import PRESETS, Preset
from eval.metrics import SQUARED_ERROR, Distortion
from eval.progress import Progress
from eval.score import flatten_pngs
from eval.storage import write_atomically
from rate_control.allocation import Limits, budget_bytes
from rate_control.engines import Engine
from rate_control.jobs import refinement
from rate_control.set_coder import SetCoder

from ..seasons import DEFAULT_SEASON, MAX_UNPACKED, Season, season
from .decoder_zip import DECODER_ZIP, ENTRY, BuildError, DecoderZip, build_decoder_zip
from .freeze import LOCK, check_frozen
from .needs import usable
from .zips import build_zip

SUBMISSION_ZIP = "submission.zip"
TEAM_INFO = "team_info.json"


RULES = season(DEFAULT_SEASON)


def pack_decoder(dist: Path, limit: int | None = None, weights: Path = WEIGHTS) -> DecoderZip:
    """Writes dist/decoder.zip with a folder of weights.

    Raises:
      BuildError: a part is missing, the package is larger than `limit` bytes, or another one is frozen.
    """
    package = build_decoder_zip(weights)
    check_frozen(package.data, LOCK)
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
    rules: Season = RULES,
    distortion: Distortion = SQUARED_ERROR,
    limits: Sequence[Limits] = (),
    progress: Progress | None = None,
) -> dict[str, int]:
    """Encodes the set and writes dist/<target>/bs.zip, or as the season names it; returns the budget of each target.

    Models whose pictures the season's container may not decode code none.

    Raises:
      BuildError: no other model is left.
      InfeasibleBudget: a target is too small for the set.
      TableError: a limit leaves a picture without candidates.
    """
    coder = SetCoder(usable(zoo, rules), files, cache, distortion, limits, engine, progress)
    budgets = {target: budget_bytes(coder.pixels, target) for target in targets}
    overhead = len(build_zip({ZIP_MEMBER: b""}))
    refine = refinement(preset, distortion)
    coder.prepare([budget - overhead for budget in budgets.values()], refined=refine is not None)
    for target, budget in budgets.items():
        filled = coder.fill(budget, refine, preset.saving, overhead)
        data = build_zip({ZIP_MEMBER: filled.data})
        assert len(data) <= budget
        write_atomically(dist / target / rules.data_name, data)
    return budgets


def pack_submission(dist: Path, targets: Sequence[str], rules: Season = RULES) -> None:
    """Writes dist/submission.zip in the season's layout: all packages side by side, or one zip with team_info.json.

    Raises:
      BuildError: the layout has room for one target, and there are several.
    """
    if not rules.single_zip:
        names = [DECODER_ZIP, *(f"{target}/{rules.data_name}" for target in targets)]
        data = build_zip({name: (dist / name).read_bytes() for name in names})
    else:
        if len(targets) != 1:
            raise BuildError(f"{rules.year} takes one zip for one target, not for {', '.join(targets)}: give --targets")
        members = _decoder_members(dist / DECODER_ZIP)
        members[rules.data_name] = (dist / targets[0] / rules.data_name).read_bytes()
        # Which fields the season asked for is not known.
        members[TEAM_INFO] = json.dumps({"team": TEAM}).encode()
        data = build_zip(members, executable=frozenset({ENTRY}))
    write_atomically(dist / SUBMISSION_ZIP, data)


def _decoder_members(decoder_zip: Path) -> dict[str, bytes]:
    with open_zip(decoder_zip) as archive:
        return {m.filename: read_member(archive, m) for m in checked_members(archive, MAX_UNPACKED) if not m.is_dir()}


def copy_pictures(source: Path, target: Path) -> None:
    """Copies all PNGs below a folder into another one, without subfolders."""
    for path in flatten_pngs(source)[0].values():
        write_atomically(target / path.name, path.read_bytes())


TEAM = "this codec"
