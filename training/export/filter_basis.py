"""The post-filter's basis, from the best filters of training crops."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save
from tqdm import tqdm

from decoder_pkg.entropy import BIN_OCTAVES, Q_ONE
from decoder_pkg.gains import GAIN_COUNT
from decoder_pkg.pixels.filters import COLOURS, FEATURES, STRENGTH_BINS, FilterChain, LinearFilter
from decoder_pkg.pixels.render import assemble
from decoder_pkg.weight_files import read_weights
from encoder.codecs import LOG2_SIGMA_MIN, coding_setting
from encoder.coding import AnalysedPicture
from encoder.filters import FIRST_M, NormalEquations, normal_equations
from encoder.models import Zoo
from eval.metrics import squared_error
from eval.storage import write_atomically

from ..data import CropSet
from .manifests import update_filter
from .tables import gaussian_tables
from .trained import TrainingRecord

FILE, ID = "postfilter.safetensors", 0
ROUNDS = 6
NOISE = 50.0
"""How much less a crop's filter is believed than if the errors of its samples were independent.

A crop lacks most colours, and neighbouring errors are alike. Between 8 and 80 it hardly matters.
"""

RIDGE = 1e-2
"""Of the first estimate, in units of what a feature does to the mean crop."""

LEAST_ERROR = 1 / 12
"""Mean squared error of rounding to 8 bits: no crop counts as if it had less."""

FLOOR = 0.01
"""Squared levels that every feature has at least in the mean crop, so that what hardly varies can be inverted."""

LEAST_VARIANCE = 1e-12
FIRST_STEPS = 16.0
"""Standard deviation in steps of the largest coefficient at the strength where the encoder's search begins."""


@dataclass(frozen=True)
class CropFits:
    """What crops say about their best filters, at gain 0: taps fall with the gain.

    Attributes:
      equations: of each crop.
      errors: [n] mean squared error of each crop's samples.
      pixels: [n].
    """

    equations: list[NormalEquations]
    errors: NDArray[np.float64]
    pixels: NDArray[np.float64]


def crop_fits(zoo: Zoo, crops: CropSet, count: int, seed: int = 1) -> CropFits:
    """Codes crops at chance gains.

    Args:
      zoo: the models.
      crops: training pictures.
      count: how many.
      seed: of the choice.
    """
    rng, fits, errors, pixels = np.random.default_rng(seed), [], [], []
    for _ in tqdm(range(count), desc="filters", unit="crop"):
        gain = int(rng.integers(GAIN_COUNT))
        crop = np.array(crops.crops[rng.choice(len(crops.crops), p=crops.weights)])
        equations, error = _equations(AnalysedPicture(crop, zoo.trained_for(gain)), gain)
        to_lowest = 2.0 ** (BIN_OCTAVES * gain)
        fits.append(NormalEquations(equations.matrix, equations.vector * to_lowest))
        errors.append(max(error / crop.size, LEAST_ERROR) * to_lowest**2)
        pixels.append(crop.size / COLOURS)
    return CropFits(fits, np.array(errors), np.array(pixels))


def _equations(picture: AnalysedPicture, gain: int) -> tuple[NormalEquations, int]:
    """Of one picture, and its squared error without a filter."""
    setting = coding_setting(gain, Q_ONE)
    tiles = picture.rendered(picture.quantise(setting), setting, LinearFilter.reach)
    return normal_equations(picture.pixels, tiles), squared_error(
        picture.pixels, assemble(tiles, *picture.size, FilterChain())
    )


def filter_covariance(fits: CropFits, root: NDArray[np.float64]) -> NDArray[np.float64]:
    """Covariance of the crops' true filters, by expectation and maximisation (empirical Bayes).

    Least squares alone would take for a filter what a crop says about colours it hardly has.

    Args:
      fits: of the crops.
      root: [FEATURES, FEATURES], lower; filters are compared by what root.T makes of them.

    Returns:
      [COLOURS * FEATURES, COLOURS * FEATURES] float64, of root.T @ filter, colour by colour.
    """
    inverse = np.linalg.inv(root)
    known = [
        NormalEquations(inverse @ fit.matrix @ inverse.T / (NOISE * error), inverse @ fit.vector / (NOISE * error))
        for fit, error in zip(fits.equations, fits.errors, strict=True)
    ]
    ridge = RIDGE * np.eye(FEATURES)
    first = [
        np.linalg.solve(fit.matrix + ridge * pixels / (NOISE * error), fit.vector)
        for fit, error, pixels in zip(known, fits.errors, fits.pixels, strict=True)
    ]
    # Each crop counts by the share of its error that its filter removes.
    shares = (1 / fits.errors) / (1 / fits.errors).sum()
    flat = np.array(first).transpose(0, 2, 1).reshape(len(first), -1)
    covariance = (flat * shares[:, None]).T @ flat
    for _ in tqdm(range(ROUNDS), desc="covariance", unit="round"):
        prior = np.linalg.inv(covariance + 1e-9 * np.trace(covariance) * np.eye(len(covariance)))
        covariance = np.zeros_like(prior)
        for fit, share in zip(known, shares, strict=True):
            covariance += share * _posterior_square(fit, prior)
    return np.asarray(covariance)


def _posterior_square(known: NormalEquations, prior: NDArray[np.float64]) -> NDArray[np.float64]:
    """Expected products of a filter's taps, colour by colour, given one crop and the inverse prior covariance."""
    precision = prior + np.kron(np.eye(COLOURS), known.matrix)
    covariance = np.linalg.inv(precision)
    mean = covariance @ known.vector.T.reshape(-1)
    return np.asarray(np.outer(mean, mean) + covariance)


def principal_filters(fits: CropFits, count: int) -> dict[str, NDArray[np.generic]]:
    """The basis that holds most of the filters, by what they do to pictures, and the size of its coefficients.

    Args:
      fits: of many crops.
      count: of the basis.
    """
    metric = sum(fit.matrix / pixels for fit, pixels in zip(fits.equations, fits.pixels, strict=True))
    metric = metric / len(fits.pixels)
    root = np.linalg.cholesky(metric + FLOOR * np.eye(FEATURES))
    variances, directions = np.linalg.eigh(filter_covariance(fits, root))
    deviations = np.sqrt(np.maximum(variances[::-1][:count], LEAST_VARIANCE * variances[-1]))
    filters = directions[:, ::-1][:, :count].T.reshape(count, COLOURS, FEATURES)
    step = deviations[0] / FIRST_STEPS * 2.0 ** (BIN_OCTAVES * STRENGTH_BINS * FIRST_M)
    basis = np.linalg.solve(root.T[None], filters.transpose(0, 2, 1)) * step
    bins = np.round((np.log2(deviations / step) - LOG2_SIGMA_MIN) / BIN_OCTAVES)
    return gaussian_tables() | {"basis": basis.astype(np.float16), "scale_bins": bins.astype(np.int16)}


def write_post_filter(
    folders: tuple[Path, Path], tensors: dict[str, NDArray[np.generic]], record: TrainingRecord
) -> None:
    """Writes the filter's file and its rows of both manifests.

    Args:
      folders: of the decoder's and of the encoder's weights.
      tensors: basis, scale bins and coding tables.
      record: how they were made.

    Raises:
      WeightsError: they are no post-filter; nothing is written.
    """
    data = save({name: np.ascontiguousarray(array) for name, array in tensors.items()})
    LinearFilter(read_weights(data))
    write_atomically(folders[0] / FILE, data)
    row = {"id": ID, "filter": LinearFilter.name, "file": FILE, "sha256": hashlib.sha256(data).hexdigest()}
    update_filter(*folders, row, record)
