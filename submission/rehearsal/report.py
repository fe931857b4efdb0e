"""What a rehearsal tells: conditions, time, memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from ..package import needs_texts
from ..seasons import Season
from .run import Rehearsal
from .target import TargetResult

CLIC_PIXELS = 2048 * 1365
SETS = (41, 60)
"""Pictures of the sets whose decoding time is projected: those of 2021's validation and test."""

NOT_ISOLATED = "the network and the originals in reach (this system does not let a run be isolated)"


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


def target_report(result: TargetResult, rules: Season) -> str:
    """One target's size and rehearsal, and what must be installed for its pictures."""
    run, needs = result.rehearsal, needs_texts(result.needs, rules)
    isolation = "without network" if run.isolated else f"with {NOT_ISOLATED}"
    size = (
        f"target {result.target} bpp: {result.data_bytes:,} of {result.budget:,} bytes "
        f"({100 * result.data_bytes / result.budget:.2f} %)\n"
        f"rehearsed {isolation}: {run.seconds:.1f} s, {run.peak_bytes / 2**20:,.0f} MiB, "
        f"{len(result.score.pictures)} pictures"
    )
    return "\n".join([size, *needs])
