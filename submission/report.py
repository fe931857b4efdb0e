"""What `make submission` prints: sizes, rehearsal, leaderboard."""

from __future__ import annotations

from collections.abc import Sequence

from eval.leaderboard import Row, leaderboard

from .build import TargetResult
from .decoder_zip import DecoderZip
from .seasons import Season


def decoder_report(package: DecoderZip, rules: Season) -> str:
    """Size per part against the season's limit, and the digest that the competition compares."""
    size, limit = len(package.data), rules.decoder_limit
    lines = [f"{part:<24}{count:>12,} bytes" for part, count in sorted(package.part_bytes.items())]
    known = "there is no limit" if rules.decoder_limit_known else "no limit is known"
    against = f"{100 * size / limit:.1f} % of {limit:,}" if limit else f"{known} for {rules.year}"
    lines.append(f"{'decoder.zip':<24}{size:>12,} bytes, {against}")
    lines.append(f"sha256 {package.sha256}")
    return "\n".join(lines)


def target_report(result: TargetResult, decoder_bytes: int, baselines: Sequence[Row]) -> str:
    """One target's rehearsal and leaderboard."""
    run = result.rehearsal
    network = "without network" if run.offline else "with network (this system does not let it be cut off)"
    lines = [
        f"target {result.target} bpp: {result.data_bytes:,} of {result.budget:,} bytes "
        f"({100 * result.data_bytes / result.budget:.2f} %)",
        f"rehearsed {network}: {run.seconds:.1f} s, {run.peak_bytes / 2**20:,.0f} MiB, "
        f"{len(result.score.pictures)} pictures",
        leaderboard([result.row(decoder_bytes), *baselines]).to_string(index=False),
    ]
    return "\n".join(lines)
