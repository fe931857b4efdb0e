"""Bytes and losses as smooth curves have them, for tests of predictions."""

from __future__ import annotations

from eval.metrics import MS_SSIM, PSNR


def losses(squared_error: float) -> dict[str, float]:
    return {PSNR.column: squared_error, MS_SSIM.column: squared_error / 1e9}


def size_at(place: float) -> float:
    return float(100 * 2 ** (place / 12))


def error_at(place: float) -> float:
    return float(1e7 * 2 ** (-place / 8))
