"""The local leaderboard."""

from .baseline_rows import Tables, baseline_rows, fit_baselines, sweep_baselines
from .report import NOT_ISOLATED, decoder_report, target_report, write_board

__all__ = [
    "NOT_ISOLATED",
    "Tables",
    "baseline_rows",
    "decoder_report",
    "fit_baselines",
    "sweep_baselines",
    "target_report",
    "write_board",
]
