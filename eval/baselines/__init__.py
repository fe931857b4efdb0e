"""Conventional codecs to compare with, a file each: the table, and what each of them offers."""

from .interface import Baseline, BaselineCandidate, baseline_candidates, code, settings_text, tuned
from .table import BASELINES, installed
