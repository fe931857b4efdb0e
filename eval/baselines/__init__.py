"""Conventional codecs to compare with, a file each: the table, and what each of them offers."""

from .interface import (
    Arguments,
    Baseline,
    BaselineCandidate,
    BaselineSetting,
    baseline_candidate,
    code,
    settings_text,
    tuned,
)
from .table import BASELINES, installed
