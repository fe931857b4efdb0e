"""What the shipped models are: size, arithmetic, bytes, training, and BD-rates on Kodak."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn

from decoder_pkg.codecs import codec_of
from decoder_pkg.models import read_manifest
from encoder.codecs import FloatCodec, watched_convolutions
from encoder.models import ALL_GAINS, Zoo, read_encoder_manifest
from eval.metrics import MS_SSIM, PSNR, Metric
from eval.report import MEAN, Curve, bjontegaard_delta, published_curves
from rate_control.engines import Engine

from .codecs import model_codecs
from .curves import RATES

SIDE = 256
"""Of the picture on which multiplications are counted."""

DECODER = ("synthesis",)
"""Networks of the decoder alone; the entropy networks, those with integer layers, run on both sides."""

ANCHORS = (("VTM", PSNR), ("WebP", PSNR), ("VTM", MS_SSIM))
"""Published codecs, and the metric in which they are compared."""


def multiplications(model: FloatCodec[Any]) -> dict[str, float]:
    """Thousands of multiplications for each pixel, by network; of the context only what the decoder computes."""
    counts: dict[str, float] = {}

    def count(path: str, conv: nn.Conv2d, _x: Tensor, output: Tensor) -> None:
        network, each = path.partition(".")[0], conv.weight[0].numel()
        counts[network] = counts.get(network, 0.0) + output.numel() * each / SIDE**2 / 1000

    with torch.no_grad(), watched_convolutions(model, count):
        model(torch.zeros(1, 3, SIDE, SIDE), torch.tensor([0]))
    return counts


def entropy_networks(model: FloatCodec[Any]) -> list[str]:
    """Names of the networks that the decoder evaluates in integers."""
    return sorted({layer.module.partition(".")[0] for layer in codec_of(model.arch).layers(model.arch)})


def parameters(model: FloatCodec[Any], networks: Iterable[str]) -> int:
    """Number of trained values of some networks."""
    return sum(p.numel() for network in networks for p in model.get_submodule(network).parameters())


def kodak_deltas(zoo: Zoo, files: Sequence[Path], engine: Engine) -> dict[int, dict[str, str]]:
    """BD-rate of each model against the anchors, means over the pictures; empty where none are published for them."""
    models = list(zoo.models)
    codecs = model_codecs(zoo, files, [[model] for model in models], engine)
    anchors = {curve.name: curve for curve in published_curves(codecs[0].pixels) if curve.kind == MEAN}
    deltas: dict[int, dict[str, str]] = {}
    for number, codec in zip(models, codecs, strict=True):
        curve = codec.curves[0].within(*RATES)
        deltas[number] = {
            f"{metric.name} BD-rate, {name}": bd_rate(anchors[name], curve, metric)
            for name, metric in ANCHORS
            if name in anchors
        }
    return deltas


def bd_rate(anchor: Curve, test: Curve, metric: Metric) -> str:
    """The BD-rate; empty where the curves share too little, as that of a model for low rates with WebP's."""
    try:
        return f"{bjontegaard_delta(anchor, test, metric).rate_percent:+.1f} %"
    except ValueError:
        return ""


def models_table(zoo: Zoo, zip_bytes: Mapping[str, int]) -> pd.DataFrame:
    """A row for each model, by id.

    Args:
      zoo: learned models.
      zip_bytes: of each weight file in decoder.zip.
    """
    rows = []
    known = read_encoder_manifest(zoo.folders[1]).models
    for row in (row for row in read_manifest(zoo.folders[0]).models if row["id"] in zoo.models):
        model, facts = zoo.models[row["id"]].floats, known[row["id"]]
        counts, entropy = multiplications(model), entropy_networks(model)
        decoder = sum(counts[network] for network in [*DECODER, *entropy])
        encoder = sum(counts.values()) - sum(counts[network] for network in DECODER)
        rows.append(
            {
                "id": row["id"],
                "name": facts["name"],
                "codec": model.arch.name,
                "parameters": f"{sum(p.numel() for p in model.parameters()) / 1e6:.1f} M",
                "of the decoder": f"{parameters(model, [*DECODER, *entropy]) / 1e6:.1f} M",
                "kMAC/pixel encoder": f"{encoder:.1f}",
                "kMAC/pixel decoder": f"{decoder:.1f}",
                "bytes in decoder.zip": zip_bytes[row["file"]],
                "trained for": facts.get("distortion", "PSNR"),
                "gains": "{} to {}".format(*facts.get("gains", ALL_GAINS)),
                "delta to": row.get("base", ""),
                "iterations": facts.get("iterations", ""),
                "hours": facts.get("hours", ""),
                "GPU hours": facts.get("gpu_hours", ""),
            }
        )
    return pd.DataFrame(rows).set_index("id")
