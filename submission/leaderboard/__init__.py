"""The local leaderboard."""

from .baseline_rows import Tables, baseline_rows, fit_baselines, sweep_baselines
from .entries import Contest, Entry
from .ranking import judge_all, other_contestant, picture_pixels, write_sheets
from .report import decoder_report, write_board
