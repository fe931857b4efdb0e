"""Rate-distortion curve of the shipped models on a folder of pictures: python -m submission.curve --images kodak/"""

from __future__ import annotations

import argparse
import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from decoder_pkg.architecture import GAIN_COUNT, GAIN_STEPS
from decoder_pkg.archive import entry_size
from encoder.cache import CandidateCache
from encoder.encode import Candidate
from encoder.pictures import find_pictures, load_picture
from encoder.rate import estimated_bits
from encoder.sweep import PictureCoder
from encoder.twin import load_float_model
from encoder.weights import load_zoo
from eval.curves import Curve, bd_rate, load_published, plot_curves
from rate_control.jobs import similarity

GAINS = tuple(range(0, GAIN_COUNT, GAIN_STEPS // 2))
RATES = (0.05, 0.6)
"""Bits per pixel over which the Bjontegaard deltas are taken."""

PLOTTED = ("JPEG", "WebP", "BPG", "VTM")


@dataclass(frozen=True)
class Point:
    """One picture at one gain: real bytes, beside the payload that the float model estimates."""

    picture: str
    candidate: Candidate
    estimated_bytes: float

    @property
    def bpp(self) -> float:
        """Bits per pixel of payload and picture header, as in a set."""
        header = self.candidate.header
        return 8 * entry_size(self.candidate.entry(self.picture)) / (header.width * header.height)

    @property
    def deviation(self) -> float:
        """Real payload against the estimate, as a ratio minus one."""
        return len(self.candidate.payload) / self.estimated_bytes - 1


def measure(images: Path, model: int) -> list[Point]:
    """Codes every picture at every half octave of lambda."""
    zoo = load_zoo()
    codec = load_float_model(zoo.models[model])
    points = []
    for file in tqdm(find_pictures(images), desc="pictures"):
        pixels = load_picture(file)
        coder = PictureCoder(pixels, zoo, CandidateCache(), similarity)
        for gain in GAINS:
            candidate = coder.encode(model, gain).candidate
            points.append(Point(file.stem, candidate, estimated_bits(codec, pixels, gain) / 8))
    return points


def mean_curve(points: list[Point], name: str) -> Curve:
    """Means over the pictures at each gain."""
    rows = [[p for p in points if p.candidate.header.gain == gain] for gain in GAINS]
    bpp = tuple(float(np.mean([p.bpp for p in row])) for row in rows)
    return Curve(name, bpp, tuple(float(np.mean([p.candidate.psnr_db for p in row])) for row in rows))


def report(points: list[Point], curve: Curve) -> str:
    """The curve, its deltas and how far real bytes are from the estimate."""
    lines = [f"{bpp:.4f} bpp  {psnr:.3f} dB" for bpp, psnr in zip(curve.bpp, curve.psnr_db, strict=True)]
    for anchor in load_published().values():
        delta = bd_rate(anchor, curve.within(*RATES))
        lines.append(
            f"BD-rate against {anchor.name:<13} {delta.rate_percent:+7.2f} %  "
            f"({delta.psnr_low:.1f} to {delta.psnr_high:.1f} dB)"
        )
    worst = max(points, key=lambda point: abs(point.deviation))
    lines.append(
        f"real bytes against the estimate: mean {100 * np.mean([p.deviation for p in points]):+.3f} %, "
        f"worst {100 * worst.deviation:+.3f} % ({worst.picture}, gain {worst.candidate.header.gain})"
    )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser("python -m submission.curve", description=__doc__)
    parser.add_argument("--images", type=Path, required=True, help="folder of pictures, as Kodak's 24")
    parser.add_argument("--model", type=int, default=1, help="id of the model (default 1)")
    parser.add_argument("--output", type=Path, default=Path("docs"), help="folder for kodak.png and kodak.csv")
    arguments = parser.parse_args()
    points = measure(arguments.images, arguments.model)
    curve = mean_curve(points, f"this codec, model {arguments.model}")
    published = load_published()
    plot_curves([curve], [published[name] for name in PLOTTED], "Kodak", arguments.output / "kodak.png")
    with (arguments.output / "kodak.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["bpp", "psnr_db"])
        writer.writerows((f"{b:.6f}", f"{p:.4f}") for b, p in zip(curve.bpp, curve.psnr_db, strict=True))
    print(report(points, curve))


if __name__ == "__main__":
    main()
