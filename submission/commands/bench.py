"""Measures times and memory of the codec: decoding, refinement, metrics, allocation."""

from __future__ import annotations

import argparse
from pathlib import Path

from eval.pictures import PictureError

from ..studies.bench import GAIN, LARGE, bench_decoding, bench_large, bench_metrics, bench_refinement, photograph
from ..studies.bench_allocation import bench_allocation
from ..studies.bench_server import bench_server

KODAK, CLIC = (512, 768), (1365, 2048)
EXAMPLES = """examples:
  python -m submission bench                          an embedded photograph at the sizes of Kodak and CLIC
  python -m submission bench --image photo.png --large
"""
ERRORS = (PictureError,)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--image", type=Path, help="photograph to scale to each size (default: scikit-image's coffee)")
    parser.add_argument("--large", action="store_true", help=f"also {LARGE[1]}x{LARGE[0]}, which takes minutes")


def run(arguments: argparse.Namespace) -> int:
    small, large = (photograph(*size, arguments.image) for size in (KODAK, CLIC))
    bench_decoding("Kodak size", small)
    bench_decoding("CLIC size", large)
    bench_server("CLIC size", large, GAIN)
    bench_refinement(small)
    bench_metrics(large)
    bench_allocation()
    if arguments.large:
        bench_large()
    return 0
