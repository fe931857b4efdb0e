"""Rehearses what dist/ holds: python -m submission rehearse, and freeze after it: python -m submission freeze"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from decoder_pkg.errors import DecoderError
from eval.pictures import PictureError
from eval.problems import failed
from rate_control.allocation import budget_bytes

from .check import check
from .leaderboard import NOT_ISOLATED
from .package import LOCK, ORIGINALS, BuildError, freeze, set_pixels
from .rehearsal import Rehearsal, RehearsalError, TargetResult, rehearse_target
from .seasons import DEFAULT_SEASON, SEASONS, Season, season

REPEATS = 3
CLIC_PIXELS = 2048 * 1365
SETS = (41, 60)
"""Pictures of the sets whose decoding time is projected: those of 2021's validation and test."""

EXAMPLES = """examples:
  python -m submission rehearse                  every target in dist/, three times
  python -m submission rehearse --season 2019    under another season's limits
  python -m submission freeze                    check and rehearse dist/, then record its decoder in decoder.lock.json
  rm decoder.lock.json                           unfreeze, for a new season
"""


@dataclass(frozen=True)
class Timing:
    """Decoding time as a straight line: start-up, then seconds for each pixel.

    Attributes:
      startup: seconds before the first and after the last picture.
      per_pixel: seconds.
    """

    startup: float
    per_pixel: float

    def projected(self, pictures: int, pixels: int = CLIC_PIXELS) -> float:
        """Seconds for a set of pictures of this size."""
        return self.startup + pictures * pixels * self.per_pixel


def timing(run: Rehearsal) -> Timing:
    """The line through one run: its log has the seconds of every picture."""
    rows = run.pictures
    # A foreign decoder's log may say anything; more than the whole run it cannot have taken.
    decoding = min(run.seconds, sum(seconds for _, _, seconds in rows))
    return Timing(run.seconds - decoding, decoding / max(1, sum(pixels for _, pixels, _ in rows)))


def conditions(run: Rehearsal, rules: Season) -> str:
    """Under which limits a run went."""
    where = "the container's packages" if run.container else "this environment's packages (`make container` is missing)"
    isolation = "no network" if run.isolated else NOT_ISOLATED
    memory, hours = (rules.memory_bytes or 0) / 1e9, (rules.seconds or 0) / 3600
    limits = [f"{rules.cpus} CPUs"] if rules.cpus else []
    limits += [f"{memory:g} GB of address space"] if memory else []
    limits += [f"at most {hours:g} h"] if hours else []
    known = limits or [f"no limits, since those of {rules.year} are not known"]
    return ", ".join([where, isolation, *known])


def time_report(runs: Sequence[Rehearsal], rules: Season) -> str:
    """Time and memory of one target's runs, by picture and projected to the competition's sets."""
    middle = sorted(runs, key=lambda run: run.seconds)[len(runs) // 2]
    line = timing(middle)
    lines = [
        f"decoded in {median(run.seconds for run in runs):.1f} s (median of {len(runs)}), "
        f"start-up {line.startup:.1f} s of it; {max(run.peak_bytes for run in runs) / 2**20:,.0f} MiB at most",
        *(f"  {name}: {seconds:.3f} s" for name, _, seconds in middle.pictures),
    ]
    limit = f" of {rules.seconds:,} s" if rules.seconds else ""
    for pictures in SETS:
        lines.append(f"  projected for {pictures} pictures of 2048x1365: {line.projected(pictures):,.0f} s{limit}")
    return "\n".join(lines)


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


def main(arguments: list[str]) -> int:
    """`rehearse` and `freeze`, by the first argument; returns the exit code."""
    parser = argparse.ArgumentParser(
        f"python -m submission {arguments[0]}",
        description="Runs the packed decoder as the server would, and reports time and memory.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    years = [rules.year for rules in SEASONS]
    parser.add_argument("--season", type=int, choices=years, default=DEFAULT_SEASON, help="rules (default 2021)")
    parser.add_argument("--dist", type=Path, default=Path("dist"), help="what to run (default dist)")
    given = parser.parse_args(arguments[1:])
    rules = season(given.season)
    try:
        return _freeze(given.dist, rules) if arguments[0] == "freeze" else _rehearse(given.dist, rules)
    except (RehearsalError, DecoderError, BuildError, PictureError, OSError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1


def _rehearse(dist: Path, rules: Season) -> int:
    for results in rehearse_all(dist, rules, REPEATS):
        runs = [result.rehearsal for result in results]
        print(f"target {results[0].target} bpp, {conditions(runs[0], rules)}:\n{time_report(runs, rules)}")
    return 0


def _freeze(dist: Path, rules: Season) -> int:
    problems = check(dist, rules)
    for problem in problems:
        print(problem)
    if failed(problems):
        return 1
    rehearse_all(dist, rules, 1)
    print(f"frozen in {LOCK}: sha256 {freeze(dist, LOCK)}")
    return 0
