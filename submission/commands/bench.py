"""Measures times and memory of the codec: decoding, refinement, metrics, allocation, presets."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from decoder_pkg.decoder import write_png
from encoder.pictures import find_pictures
from encoder.presets import PRESETS, preset
from eval.pictures import PictureError

from ..studies.bench import GAIN, LARGE, bench_decoding, bench_large, bench_metrics, bench_refinement, photograph
from ..studies.bench_allocation import bench_allocation
from ..studies.bench_encoding import bench_presets
from ..studies.bench_server import bench_server

KODAK, CLIC = (512, 768), (1365, 2048)
EXAMPLES = """examples:
  python -m submission bench                          an embedded photograph at the sizes of Kodak and CLIC
  python -m submission bench --image photo.png --large
  python -m submission bench --set photos/ --presets fast     core-seconds a megapixel of a whole set
"""
ERRORS = (PictureError,)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--image", type=Path, help="photograph to scale to each size (default: scikit-image's coffee)")
    parser.add_argument("--set", type=Path, help="folder of pictures on which presets are timed (default: Kodak-sized)")
    presets = [row.name for row in PRESETS]
    parser.add_argument("--presets", nargs="*", choices=presets, default=presets[:2], help="that are timed there")
    parser.add_argument("--large", action="store_true", help=f"also {LARGE[1]}x{LARGE[0]}, which takes minutes")


def run(arguments: argparse.Namespace) -> int:
    small, large = (photograph(*size, arguments.image) for size in (KODAK, CLIC))
    bench_decoding("Kodak size", small)
    bench_decoding("CLIC size", large)
    bench_server("CLIC size", large, GAIN)
    bench_refinement(small)
    bench_metrics(large)
    bench_allocation()
    with tempfile.TemporaryDirectory() as name:
        write_png(Path(name) / "photograph.png", small)
        files = find_pictures(arguments.set) if arguments.set else [Path(name) / "photograph.png"]
        bench_presets(files, [preset(name) for name in arguments.presets])
    if arguments.large:
        bench_large()
    return 0
