"""The metrics: each is a row, and all that scores, allocates, draws or lists goes through the table."""

from __future__ import annotations

from .interface import Metric
from .ms_ssim import MS_SSIM
from .psnr import PSNR

METRICS: dict[str, Metric] = {metric.key: metric for metric in (PSNR, MS_SSIM)}
"""By key."""
