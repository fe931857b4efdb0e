"""What refinement saves: methods x iterations, real bytes."""

from __future__ import annotations

import hashlib
import itertools
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype
from tqdm import tqdm

from decoder_pkg.entropy import Q_ONE
from decoder_pkg.gains import GAIN_COUNT, GAIN_STEPS
from decoder_pkg.models import Bundle
from decoder_pkg.stream import entry_size
from encoder.candidates import CACHE_VERSION
from encoder.codecs import Latents, trained_multiplier
from encoder.coding import AnalysedPicture, estimated_payload_bits
from encoder.models import EncoderModel, Zoo
from encoder.picture_coder import refinement_key
from encoder.pictures import Pixels, load_picture, pixels_digest
from encoder.refinement import RefinementSetting, refine_latents
from eval.metrics import PSNR
from eval.report import MEAN, Curve, bjontegaard_delta, published_curves
from eval.storage import locked, write_atomically
from rate_control.allocation import TableError
from rate_control.engines import Engine
from rate_control.jobs import loaded_zoo

GAINS = tuple(range(3, GAIN_COUNT, GAIN_STEPS))
"""One point for each octave of lambda from 0.0005 on, each under the model that was trained for the fewest others."""

ANCHOR = "VTM"
"""Published codec that is shown beside, where the pictures are those of its curve."""

PLAIN = ("nearest integers", 0)
RDOQ = ("RDOQ", 0)
"""What is done without refinement; the first is what all others are compared with."""


@dataclass(frozen=True)
class Trial:
    """One picture coded after one refinement.

    Attributes:
      inputs: start of a digest, see `inputs_digest`.
      deviation: real payload against the estimate, as a ratio minus one.
      seconds: of the refinement on one thread.
    """

    inputs: str
    picture: str
    method: str
    iterations: int
    gain: int
    bytes: int
    pixels: int
    psnr_db: float
    deviation: float
    seconds: float


KEY = ["inputs", "picture", "method", "iterations", "gain"]
TEXTS = KEY[:3]
"""Columns that hold no numbers."""


@dataclass(frozen=True)
class TrialJob:
    """One trial of a picture."""

    file: Path
    method: str
    iterations: int
    gain: int
    folders: tuple[Path, Path]


def inputs_digest(pixels: Pixels, model: EncoderModel, bundle: Bundle) -> str:
    """Tells trials apart that were made of other pictures, or with other weights, methods or arithmetic."""
    filters = [shipped.digest.hex() for shipped in bundle.filters.values()]
    whole = pixels_digest(pixels), model.digest, filters, CACHE_VERSION, refinement_key()
    return hashlib.sha256(repr(whole).encode()).hexdigest()[:12]


def run_job(job: TrialJob) -> Trial:
    """Makes a trial.

    Raises:
      PictureError: the picture cannot be read.
      RoundTripError: a stream does not decode to what was encoded.
    """
    zoo = loaded_zoo(job.folders)
    picture = AnalysedPicture(load_picture(job.file), zoo.trained_for(job.gain), zoo.bundle.post_filters)
    return trial(picture, inputs_digest(picture.pixels, picture.model, zoo.bundle), job)


def trial(picture: AnalysedPicture, digest: str, job: TrialJob) -> Trial:
    """Refines at the Lagrange multiplier where the gain was trained, codes and measures."""
    setting = RefinementSetting(job.gain, Q_ONE, trained_multiplier(job.gain))
    started = time.perf_counter()
    latents: Latents | None = None
    if job.iterations:
        latents = refine_latents(picture, setting, job.method, job.iterations).latents
    elif job.method == PLAIN[0]:
        latents = picture.latents(setting.coding.gain)
    seconds = time.perf_counter() - started
    candidate, _ = picture.encode(setting.coding, latents)
    header = candidate.header
    deviation = 8 * header.length / estimated_payload_bits(picture.model, candidate, picture.filters) - 1
    return Trial(
        inputs=digest,
        picture=job.file.stem,
        method=job.method,
        iterations=job.iterations,
        gain=job.gain,
        bytes=entry_size(candidate.entry(job.file.stem)),
        pixels=header.width * header.height,
        psnr_db=candidate.psnr_db,
        deviation=deviation,
        seconds=seconds,
    )


def run(
    files: Sequence[Path], settings: Sequence[tuple[str, int]], zoo: Zoo, output: Path, engine: Engine
) -> pd.DataFrame:
    """Adds the missing trials to a CSV file, as each is done; returns all of the zoo's on these pictures.

    Raises:
      EngineError, PictureError, RoundTripError: a picture's trials failed; those that were done before are in the file.
    """
    known = _read(output)
    done = set(known[KEY].itertuples(index=False, name=None))
    jobs, wanted = [], set[tuple[str, str]]()
    for file in files:
        pixels = load_picture(file)
        digests = {gain: inputs_digest(pixels, zoo.trained_for(gain), zoo.bundle) for gain in GAINS}
        wanted |= {(digest, file.stem) for digest in digests.values()}
        for setting, gain in itertools.product(settings, GAINS):
            if (digests[gain], file.stem, *setting, gain) not in done:
                jobs.append(TrialJob(file, *setting, gain, zoo.folders))
    for _, found in tqdm(engine.map(run_job, jobs), total=len(jobs), desc="trials", disable=not jobs):
        known = _add(found, output)
    return known[[key in wanted for key in zip(known["inputs"], known["picture"], strict=True)]]


def _add(found: Trial, output: Path) -> pd.DataFrame:
    """Adds a trial to the file as it is by now, for another run may write to it too; returns all that it holds."""
    with locked(output):
        known, row = _read(output), pd.DataFrame([asdict(found)])
        known = pd.concat([known, row], ignore_index=True) if len(known) else row
        write_atomically(
            output, known.drop_duplicates(KEY, keep="last").sort_values(KEY).round(5).to_csv(index=False).encode()
        )
    return known


def _read(output: Path) -> pd.DataFrame:
    """The trials in a file; none where there is no file, or an empty one.

    Raises:
      TableError: it holds something else.
    """
    columns = [column.name for column in fields(Trial)]
    if not output.exists() or not output.stat().st_size:
        return pd.DataFrame(columns=columns)
    try:
        # A picture's name may look like a number or like no value, and a digest like a number.
        table = pd.read_csv(output, dtype=dict.fromkeys(TEXTS, str), keep_default_na=False)
    except ValueError as error:
        raise TableError(f"{output} cannot be read as a table: {error}") from None
    if list(table.columns) != columns:
        raise TableError(f"{output} is no table of trials, whose columns are {', '.join(columns)}: choose another file")
    for column in columns:
        if column not in TEXTS and not (is_numeric_dtype(table[column]) and np.isfinite(table[column]).all()):
            raise TableError(f"{output} holds something else than numbers in column {column}: choose another file")
    return table


def table(trials: pd.DataFrame) -> pd.DataFrame:
    """BD-rate of every method and number of iterations against no refinement, over the pictures both have."""
    rows = []
    for (method, iterations), group in trials.groupby(["method", "iterations"]):
        plain = trials[(trials["method"] == PLAIN[0]) & trials["picture"].isin(group["picture"])]
        curve = _curve(group)
        rows.append(
            {
                "method": method,
                "iterations": iterations,
                "pictures": group["picture"].nunique(),
                "BD-rate (%)": bjontegaard_delta(_curve(plain), curve).rate_percent,
                f"against {ANCHOR} (%)": _against_published(group, curve),
                "seconds a picture": group["seconds"].mean(),
                "real bytes against the estimate (%)": 100 * group["deviation"].abs().max(),
            }
        )
    return pd.DataFrame(rows)


def _against_published(trials: pd.DataFrame, curve: Curve) -> float:
    """BD-rate against the published anchor; no number for pictures that it was not published for."""
    pixels = dict(zip(trials["picture"], trials["pixels"], strict=True))
    anchors = [row for row in published_curves(pixels) if (row.name, row.kind) == (ANCHOR, MEAN)]
    return bjontegaard_delta(anchors[0], curve).rate_percent if anchors else math.nan


def _curve(trials: pd.DataFrame) -> Curve:
    """Means over the pictures at each gain."""
    points = trials.assign(bpp=8 * trials["bytes"] / trials["pixels"])
    means = points.groupby("gain")[["bpp", "psnr_db"]].mean()
    return Curve(str(trials["method"].iloc[0]), MEAN, tuple(means["bpp"]), {PSNR.key: tuple(means[PSNR.field])})
