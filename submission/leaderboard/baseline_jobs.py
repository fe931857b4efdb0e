"""The work on one picture with one conventional codec, as any engine runs it; each file's figures are kept on disk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import PIL

from encoder.pictures import Pixels, load_picture, pixels_digest
from eval.baselines import Baseline, BaselineCandidate, BaselineSetting, baseline_candidate, installed, tuned
from eval.metrics import METRICS, Distortion, measured_metrics
from eval.pictures import pixels_of
from eval.storage import load_rows, save_rows, stamp

Coded = dict[BaselineSetting, BaselineCandidate | None]
"""Candidates by their settings; None where the codec cannot code the picture so."""


@dataclass(frozen=True)
class BaselineJob:
    """Some settings of a codec for one picture.

    Attributes:
      file: the picture.
      codec: name of the codec.
      settings: to be coded.
      quick: whether in the codec's quick way.
      distortion: what is minimised: the codec is tuned for it.
      metrics: keys of what is measured.
      cache: folder where the candidates' figures are kept.
    """

    file: Path
    codec: str
    settings: tuple[BaselineSetting, ...]
    quick: bool
    distortion: Distortion
    metrics: tuple[str, ...]
    cache: Path


def coding_job(
    file: Path, codec: str, settings: Iterable[BaselineSetting], quick: bool, distortion: Distortion, cache: Path
) -> BaselineJob:
    """Codes candidates of which all is measured."""
    keys = tuple(metric.key for metric in measured_metrics(distortion))
    return BaselineJob(file, codec, tuple(settings), quick, distortion, keys, cache)


def sketching_job(
    file: Path, codec: str, settings: Iterable[BaselineSetting], distortion: Distortion, cache: Path
) -> BaselineJob:
    """Codes quickly, and measures nothing but what is minimised."""
    keys = tuple(metric.key for metric, _ in distortion.terms)
    return BaselineJob(file, codec, tuple(settings), True, distortion, keys, cache)


@lru_cache
def served(codec: str, quick: bool, distortion: Distortion) -> Baseline:
    """An installed codec, tuned for what is minimised, in its slow or in its quick way."""
    (baseline,) = (tuned(baseline, distortion) for baseline in installed() if baseline.name == codec)
    return baseline.quickened() if quick else baseline


def run_job(job: BaselineJob) -> Coded:
    """The candidates of the job's settings; what the cache knows is not made again."""
    baseline = served(job.codec, job.quick, job.distortion)
    pixels, digest = _loaded(job.file, stamp(job.file))
    return {setting: _candidate(baseline, pixels, digest, setting, job) for setting in job.settings}


def job_work(job: BaselineJob) -> float:
    """Seconds of a core that a job takes, about."""
    codec = served(job.codec, job.quick, job.distortion)
    return codec.work * len(job.settings) * pixels_of([job.file]) / 1e6


@lru_cache(maxsize=1)
def _loaded(file: Path, _stamp: tuple[int, int]) -> tuple[Pixels, str]:
    """A picture and its digest; a process often gets several jobs for one picture."""
    pixels = load_picture(file)
    return pixels, pixels_digest(pixels)


def _candidate(
    baseline: Baseline, pixels: Pixels, digest: str, setting: BaselineSetting, job: BaselineJob
) -> BaselineCandidate | None:
    versions = PIL.__version__, baseline.version
    key = json.dumps([digest, baseline.format, baseline.arguments(setting), *versions, job.metrics])
    path = job.cache / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"
    rows = load_rows(path)
    if rows is None:
        found = baseline_candidate(baseline, pixels, setting, [METRICS[key] for key in job.metrics])
        save_rows(path, [asdict(found)] if found else [])
        return found
    return BaselineCandidate(**rows[0]) if rows else None
