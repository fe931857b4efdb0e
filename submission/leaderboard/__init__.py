"""The local leaderboard."""

from .baseline_rows import baseline_rows, fit_baselines
from .baseline_set import BaselineSet, Tables, expected_baseline_work
from .entries import Contest, TeamEntry
from .judging import judge_all, other_contestant, picture_pixels, write_sheets
from .report import decoder_report, write_board
