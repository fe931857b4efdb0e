"""Rate-distortion curves of models and conventional codecs on an image set, beside published ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from decoder_pkg.gains import GAIN_COUNT, GAIN_STEPS
from encoder.candidates import CandidateCache
from encoder.coding import estimated_payload_bits
from encoder.models import Zoo
from encoder.picture_coder import PictureCoder
from encoder.pictures import load_picture
from encoder.presets import Preset
from eval.leaderboard import PUBLISHED
from eval.metrics import METRICS, PSNR, SQUARED_ERROR, Metric
from eval.report import MEAN, SET, Curve, bjontegaard_delta, curves_plot, published_curves
from eval.storage import write_atomically
from rate_control.allocation import TableError
from rate_control.engines import Engine

from ..leaderboard import BaselineSet
from .codecs import Codec, baseline_codecs, model_codecs, preset_codecs

ESTIMATED_GAINS = tuple(range(0, GAIN_COUNT, GAIN_STEPS // 2))
"""Half octaves of lambda, at which real bytes are compared with the float model's estimate."""

ALL, ALL_STRUCTURAL = "all", "all-ms-ssim"
"""As a codec: every model, each setting of any of them a point; the second with those trained for MS-SSIM, whose
curve is the best in that."""

RATES = (0.05, 0.6)
"""Bits per pixel over which the Bjontegaard deltas are taken."""

PLOTTED = ("JPEG", "WebP", "BPG", "VTM", "mbt2018", "MLIC++", "Cool-Chic 4.2", "Cool-Chic 5.0")
"""Published curves that the plots show; the table of deltas has all."""

PLOTS = (
    (MEAN, "", "means over the pictures"),
    (SET, "-set", "the whole set at one Lagrange multiplier, PSNR of its summed error"),
)
"""Kind of curve, ending of the file name, title."""

DELTA_COLUMNS = ("points", "codec", "against", "metric", "BD-rate", "over", "BD-quality", "over rates", "refused")
"""BD-quality is the BD-PSNR or BD-MS-SSIM; `over` and `over rates` are the ranges that the two curves share."""


def delta_table(measured: Sequence[Curve], published: Sequence[Curve]) -> pd.DataFrame:
    """Bjontegaard deltas of each measured curve against published ones and against the measured ones after it."""
    rows = []
    for number, test in enumerate(measured):
        anchors = [curve for curve in [*measured[number + 1 :], *published] if curve.kind == test.kind]
        for anchor in anchors:
            known = [metric for metric in METRICS.values() if metric.key in test.values]
            rows += [_delta_row(anchor, test, metric) for metric in known]
    return pd.DataFrame(rows, columns=list(DELTA_COLUMNS))


def _delta_row(anchor: Curve, test: Curve, metric: Metric) -> dict[str, str]:
    row = {"points": test.kind, "codec": test.name, "against": anchor.name, "metric": metric.name}
    if anchor.published:
        row["against"] += PUBLISHED
    try:
        delta = bjontegaard_delta(anchor, test.within(*RATES), metric)
    except ValueError as error:
        return row | {"refused": str(error)}
    return row | {
        "BD-rate": f"{delta.rate_percent:+.2f} %",
        "over": "{:.2f} to {:.2f} dB".format(*delta.quality_range),
        "BD-quality": f"{delta.quality_db:+.3f} dB",
        "over rates": "{:.3f} to {:.3f} bpp".format(*delta.rate_range),
    }


def deviation_report(zoo: Zoo, name: str, model: int, files: Sequence[Path]) -> str:
    """How far the real payloads of a model are from what its float model estimates."""
    coded, filters = zoo.models[model], zoo.bundle.post_filters
    found: dict[tuple[str, int], float] = {}
    for file in tqdm(files, desc="estimates", unit="picture"):
        coder = PictureCoder(load_picture(file), zoo, CandidateCache())
        for gain in sorted(set(ESTIMATED_GAINS) & set(coded.gains)):
            candidate = coder.encode(model, gain).candidate
            estimate = estimated_payload_bits(coded, candidate, filters)
            found[file.stem, gain] = 8 * candidate.header.length / estimate - 1
    worst = max(found, key=lambda key: abs(found[key]))
    return (
        f"{name}: real bytes against the estimate: mean {100 * np.mean(list(found.values())):+.3f} %, "
        f"worst {100 * found[worst]:+.3f} % ({worst[0]}, gain {worst[1]})"
    )


def points_table(codecs: Sequence[Codec]) -> pd.DataFrame:
    """All points of the codecs' curves, with what was told to the codec and how it was measured."""
    rows = []
    for codec in codecs:
        for curve in codec.curves:
            for index, bpp in enumerate(curve.bpp):
                row = {"codec": codec.name, "points": curve.kind, "bpp": f"{bpp:.6f}"}
                row |= {METRICS[key].field: f"{of[index]:.6f}" for key, of in curve.values.items()}
                rows.append(row | {"settings": codec.settings} | asdict(codec.provenance))
    return pd.DataFrame(rows)


def write_curves(codecs: Sequence[Codec], published: Sequence[Curve], folder: Path, name: str) -> str:
    """Writes <name>.png (means), <name>-set.png, <name>.csv and <name>-deltas.csv; returns what to print.

    The deltas name commit and machine; the points, from which they follow, all of a codec's origin.
    """
    measured = [curve for codec in codecs for curve in codec.curves]
    shown = [*measured, *(curve for curve in published if curve.name in PLOTTED)]
    for kind, suffix, title in PLOTS:
        plot = curves_plot([curve for curve in shown if curve.kind == kind], f"{name}: {title}")
        write_atomically(folder / f"{name}{suffix}.png", plot)
    points, deltas = points_table(codecs), delta_table(measured, published)
    origins = points[["codec", "commit", "device"]].drop_duplicates()
    for suffix, table in (("", points), ("-deltas", deltas.merge(origins, on="codec"))):
        write_atomically(folder / f"{name}{suffix}.csv", table.to_csv(index=False, lineterminator="\n").encode())
    fields = [metric.field for metric in METRICS.values() if metric.field in points]
    texts = (
        points.loc[points["points"] == MEAN, ["codec", "points", "bpp", *fields]].to_string(index=False),
        f"Bjontegaard deltas, {RATES[0]} to {RATES[1]} bpp of the first codec",
        deltas.astype(object).fillna("").to_string(index=False),
        f"{folder / name}.png, -set.png, .csv, -deltas.csv",
    )
    return "\n\n".join(texts)


def joint_codecs(zoo: Zoo) -> dict[str, list[int]]:
    """Models that are a codec together, by its name."""
    plain, whole = list(zoo.suited(SQUARED_ERROR).models), list(zoo.models)
    return {ALL: plain, ALL_STRUCTURAL: whole if len(whole) > len(plain) else []}


def curves_report(
    zoo: Zoo,
    files: Sequence[Path],
    wanted: Sequence[str],
    presets: Sequence[Preset],
    folder: Path,
    name: str,
    engine: Engine,
) -> str:
    """Measures codecs on pictures and writes all of their curves; returns what to print.

    Args:
      zoo: the models.
      files: the pictures.
      wanted: codecs, as `--codecs` names them.
      presets: measured at equal Lagrange multipliers besides.
      folder: for the results.
      name: of the files.
      engine: where pictures are coded.

    Raises:
      TableError: none of the codecs can code these pictures.
    """
    joint = joint_codecs(zoo)
    groups = [joint.get(name) or [int(name)] for name in wanted if name in joint or name.isdigit()]
    names = [name for name in wanted if name not in joint and not name.isdigit()]
    own = model_codecs(zoo, files, groups, engine)
    refined = preset_codecs(zoo, files, presets, engine)
    tables = BaselineSet(files, engine=engine, codecs=names).sweep() if names else {}
    codecs = [*refined, *own, *baseline_codecs(tables, list(dict.fromkeys([PSNR, *(codec.metric for codec in own)])))]
    if not codecs:
        raise TableError(f"none of {', '.join(wanted)} can code these pictures")
    text = write_curves(codecs, published_curves(codecs[0].pixels), folder, name)
    single = [(codec.name, group[0]) for codec, group in zip(own, groups, strict=True) if len(group) == 1]
    reports = [deviation_report(zoo, name, model, files) for name, model in single]
    return "\n".join([text, *reports])
