"""What `make submission` prints: sizes, rehearsal, leaderboard."""

from __future__ import annotations

from collections.abc import Sequence

from eval.leaderboard import Row, leaderboard

from .build import TargetResult
from .decoder_zip import DecoderZip

DECODER_LIMIT = 250_000_000
"""Bytes of decoder.zip in the 2021 season."""


def decoder_report(package: DecoderZip) -> str:
    """Size per part against the limit, and the digest that the competition compares."""
    size = len(package.data)
    lines = [f"{part:<24}{count:>12,} bytes" for part, count in sorted(package.part_bytes.items())]
    lines.append(f"{'decoder.zip':<24}{size:>12,} bytes, {100 * size / DECODER_LIMIT:.1f} % of {DECODER_LIMIT:,}")
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
