"""The work on one picture, as any engine runs it: sweep it, or refine it at a Lagrange multiplier."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from decoder_pkg.entropy import Q_ONE
from encoder.cache import CandidateCache
from encoder.candidates import Candidate, Measured
from encoder.picture_coder import PictureCoder
from encoder.pictures import load_picture
from encoder.presets import Preset
from encoder.weights import Zoo, load_zoo
from eval.metrics import SQUARED_ERROR, Distortion, measured_metrics

Refine = Callable[[PictureCoder, Candidate, float], Iterable[Measured]]
"""Further candidates of a picture, given its present choice and the Lagrange multiplier in distortion per byte."""


@dataclass(frozen=True)
class PresetRefinement:
    """Refinement of the latents as a preset says; without a method, a finer choice of the gain."""

    preset: Preset
    distortion: Distortion = SQUARED_ERROR

    def __call__(self, coder: PictureCoder, chosen: Candidate, multiplier: float) -> Iterable[Measured]:
        """Further candidates at the Lagrange multiplier; a choice that is refined already keeps its settings."""
        if not self.preset.method:
            return neighbours(coder, chosen)
        swept = any(measured.candidate == chosen for measured in coder.sweep())
        return [coder.refine(multiplier, self.preset, self.distortion, None if swept else chosen.header)]


def neighbours(coder: PictureCoder, chosen: Candidate) -> Iterable[Measured]:
    """The gains between those of the sweep, on both sides of the choice: the finer hull holds a better vertex.

    Beside other quantisation steps than one, no gain lies between.
    """
    header = chosen.header
    for gain in (header.gain - 1, header.gain + 1):
        if gain in coder.gains(header.model) and header.q == Q_ONE:
            yield coder.encode(header.model, gain)


@dataclass(frozen=True)
class PictureJob:
    """One picture's share of the work.

    Attributes:
      file: the picture.
      weights: folders of the decoder's and the encoder's weights.
      models: ids of those that may be used.
      cache: folder of the candidates.
      distortion: what is minimised; its metrics are measured.
      refine: what to do at the Lagrange multiplier; None for the sweep.
      chosen: the picture's present choice.
      multiplier: Lagrange multiplier, distortion per byte.
    """

    file: Path
    weights: tuple[Path, Path]
    models: tuple[int, ...]
    cache: Path
    distortion: Distortion
    refine: Refine | None = None
    chosen: Candidate | None = None
    multiplier: float = 0.0


@lru_cache(maxsize=1)
def loaded_zoo(weights: tuple[Path, Path]) -> Zoo:
    """The models of two folders; a process loads them once for all of its jobs."""
    return load_zoo(*weights)


def run_job(job: PictureJob) -> list[Measured]:
    """The candidates of a picture; they are in the cache too when this returns.

    Raises:
      PictureError: the picture cannot be read.
      WeightsError: a weight file is missing or damaged.
      RoundTripError: a stream does not decode to what was encoded.
    """
    zoo = loaded_zoo(job.weights).only(job.models)
    metrics = measured_metrics(job.distortion)
    coder = PictureCoder(load_picture(job.file), zoo, CandidateCache(job.cache), metrics)
    if job.refine is None or job.chosen is None:
        return list(coder.sweep())
    return list(job.refine(coder, job.chosen, job.multiplier))
