"""What the shipped models are: size, arithmetic, bytes, training, and what they are worth on Kodak."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor, nn

from decoder_pkg.errors import WeightsError
from decoder_pkg.models import ALL_GAINS, read_manifest
from encoder.codecs import watched_convolutions
from encoder.codecs.hyperprior import CodecModel
from encoder.pictures import PictureError, find_pictures
from encoder.weights import Zoo, load_float_model, load_zoo
from eval.report import MEAN, Curve, bjontegaard_delta, published_curves
from rate_control.engine import EngineError, Processes

from .codecs import model_codecs
from .curves import RATES
from .decoder_zip import BuildError, build_decoder_zip

EXAMPLES = """examples:
  python -m submission.models                          sizes, arithmetic, training
  python -m submission.models --kodak photos/kodak     BD-rates too, real bytes of all 24 pictures
"""
SIDE = 256
"""Of the picture on which multiplications are counted."""

ENCODER = ("analysis", "hyper_analysis")
DECODER = ("synthesis",)
ENTROPY = ("hyper_synthesis", "context")
"""Networks of each part; the entropy networks run on both sides."""

ANCHORS = (("VTM", "PSNR"), ("WebP", "PSNR"), ("VTM", "MS-SSIM"))
"""Published codecs, and the quality in which they are compared."""


def multiplications(model: CodecModel) -> dict[str, float]:
    """Thousands of multiplications for each pixel, by network; of the context only what the decoder computes."""
    counts: dict[str, float] = {}

    def count(path: str, conv: nn.Conv2d, _x: Tensor, output: Tensor) -> None:
        network, each = path.partition(".")[0], conv.weight[0].numel()
        counts[network] = counts.get(network, 0.0) + output.numel() * each / SIDE**2 / 1000

    with torch.no_grad(), watched_convolutions(model, count):
        model(torch.zeros(1, 3, SIDE, SIDE), torch.tensor([0]))
    return counts


def parameters(model: CodecModel, networks: Iterable[str]) -> int:
    """Number of trained values of some networks."""
    return sum(p.numel() for network in networks for p in model.get_submodule(network).parameters())


def kodak_deltas(zoo: Zoo, files: Sequence[Path]) -> dict[int, dict[str, str]]:
    """BD-rate of each model against the anchors, means over the pictures; empty where none are published for them."""
    models = list(zoo.models)
    codecs = model_codecs(zoo, files, [[model] for model in models], Processes())
    anchors = {curve.name: curve for curve in published_curves(codecs[0].pixels) if curve.kind == MEAN}
    deltas: dict[int, dict[str, str]] = {}
    for number, codec in zip(models, codecs, strict=True):
        curve = codec.curves[0].within(*RATES)
        deltas[number] = {
            f"{quality} BD-rate, {name}": bd_rate(anchors[name], curve, quality)
            for name, quality in ANCHORS
            if name in anchors
        }
    return deltas


def bd_rate(anchor: Curve, test: Curve, quality: str) -> str:
    """The BD-rate; empty where the curves share too little, as that of a model for low rates with WebP's."""
    try:
        return f"{bjontegaard_delta(anchor, test, quality).rate_percent:+.1f} %"
    except ValueError:
        return ""


def models_table(zoo: Zoo, zip_bytes: Mapping[str, int]) -> pd.DataFrame:
    """A row for each model, by id.

    Args:
      zoo: the models.
      zip_bytes: of each weight file in decoder.zip.
    """
    rows = []
    for row in read_manifest(zoo.folders[0]).models:
        model = load_float_model(zoo.models[int(row["id"])])
        counts = multiplications(model)
        encoder, decoder = (sum(counts[n] for n in [*side, *ENTROPY]) for side in (ENCODER, DECODER))
        rows.append(
            {
                "id": int(row["id"]),
                "name": row["name"],
                "parameters": f"{sum(p.numel() for p in model.parameters()) / 1e6:.1f} M",
                "of the decoder": f"{parameters(model, [*DECODER, *ENTROPY]) / 1e6:.1f} M",
                "kMAC/pixel encoder": f"{encoder:.1f}",
                "kMAC/pixel decoder": f"{decoder:.1f}",
                "bytes in decoder.zip": zip_bytes[row["file"]],
                "trained for": row.get("distortion", "PSNR"),
                "gains": "{} to {}".format(*row.get("gains", ALL_GAINS)),
                "difference to": row.get("base", ""),
                "iterations": row["iterations"],
                "hours": row.get("hours", ""),
                "GPU hours": row.get("gpu_hours", ""),
            }
        )
    return pd.DataFrame(rows).set_index("id")


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(
        "python -m submission.models",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--kodak", type=Path, help="folder of Kodak's 24 pictures, for BD-rates")
    arguments = parser.parse_args()
    try:
        zoo = load_zoo()
        table = models_table(zoo, build_decoder_zip(zoo.folders[0]).part_bytes)
        if arguments.kodak:
            table = table.join(pd.DataFrame.from_dict(kodak_deltas(zoo, find_pictures(arguments.kodak)), "index"))
    except (PictureError, WeightsError, BuildError, EngineError, OSError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    print(table.T.to_string(header=[f"model {number}" for number in table.index]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
