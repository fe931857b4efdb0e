"""Metrics: PSNR, MS-SSIM, and whatever else a row of the table says."""

from .distortion import MIX, SQUARED_ERROR, Distortion, distortion_of, known_metrics, measured_metrics
from .interface import Figure, Metric, Pixels
from .ms_ssim import MS_SSIM, differentiable_ms_ssim, ms_ssim
from .psnr import PEAK, PSNR, SAMPLES, squared_error
from .table import METRICS
