"""The post-filter's basis, from the best filters of training crops: python -m training.filter_basis"""

from __future__ import annotations

import argparse
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save
from tqdm import tqdm

from decoder_pkg.architecture import GAIN_COUNT
from decoder_pkg.manifest import MANIFEST, FileRow
from decoder_pkg.postfilter import BIN_OCTAVES, COLOURS, FEATURES, STRENGTH_BINS
from decoder_pkg.render import assemble, render_tiles
from encoder.encode import AnalysedPicture
from encoder.entropy import LOG2_SIGMA_MIN
from encoder.filter_fit import FIRST_M, NormalEquations, normal_equations
from encoder.weights import EncoderModel, Zoo, load_zoo
from eval.metrics import squared_error

from .data import CropSet

FILTERS = 64
FILE = "postfilter.safetensors"
RIDGE = 1e-4
"""Share by which the diagonal is raised: what little a crop says about a feature is not believed."""

FIRST_STEPS = 16.0
"""Standard deviation in steps of the largest coefficient at the strength where the encoder's search begins."""


@dataclass(frozen=True)
class CropFilters:
    """The best filters of crops.

    Attributes:
      filters: [n, FEATURES, COLOURS] float64, as at gain 0: corrections fall with the gain.
      weights: [n], one over the mean squared error likewise.
      metric: [FEATURES, FEATURES], mean of the features' products.
    """

    filters: NDArray[np.float64]
    weights: NDArray[np.float64]
    metric: NDArray[np.float64]


def model_for(zoo: Zoo, gain: int) -> EncoderModel:
    """The model with the fewest gains that has this one."""
    return min((model for model in zoo.models.values() if gain in model.gains), key=lambda model: len(model.gains))


def best_filters(zoo: Zoo, crops: CropSet, count: int, seed: int = 1) -> CropFilters:
    """Codes crops at chance gains and fits a filter to each.

    Args:
      zoo: the models.
      crops: training pictures.
      count: how many.
      seed: of the choice.
    """
    rng, filters, weights, metric = np.random.default_rng(seed), [], [], np.zeros((FEATURES, FEATURES))
    for _ in tqdm(range(count), desc="filters", unit="crop"):
        gain = int(rng.integers(GAIN_COUNT))
        pixels = np.array(crops.crops[rng.choice(len(crops.crops), p=crops.weights)])
        equations, error = _equations(AnalysedPicture(pixels, model_for(zoo, gain)), gain)
        matrix = equations.matrix + RIDGE * np.diag(np.diag(equations.matrix))
        to_lowest = 2.0 ** (BIN_OCTAVES * gain)
        filters.append(np.linalg.solve(matrix, equations.vector) * to_lowest)
        weights.append(pixels.size / (max(error, 1) * to_lowest**2))
        metric += equations.matrix / (count * pixels.size)
    return CropFilters(np.array(filters), np.array(weights), metric)


def _equations(picture: AnalysedPicture, gain: int) -> tuple[NormalEquations, int]:
    """Of one picture, and its squared error without a filter."""
    decoder, pixels = picture.model.decoder, picture.pixels
    tiles = list(render_tiles(decoder.synthesis, decoder.arch, picture.quantise(gain).latents, gain))
    return normal_equations(pixels, tiles), squared_error(pixels, assemble(tiles, *pixels.shape[:2]))


def principal_filters(found: CropFilters, count: int) -> dict[str, NDArray[np.generic]]:
    """The basis that holds most of the filters, by what they do to pictures, and the size of its coefficients.

    Args:
      found: filters of many crops.
      count: of the basis.
    """
    root = np.linalg.cholesky(found.metric + 1e-6 * np.diag(np.diag(found.metric)))
    effects = np.einsum("gf,ngc->nfc", root, found.filters)
    weighted = effects * np.sqrt(found.weights)[:, None, None]
    directions = np.linalg.svd(weighted.reshape(len(weighted), -1), full_matrices=False)[2][:count]
    directions = directions.reshape(-1, FEATURES, COLOURS)
    coefficients = np.einsum("kfc,nfc->nk", directions, effects)
    deviations = np.sqrt(np.average(coefficients**2, axis=0, weights=found.weights))
    step = deviations[0] / FIRST_STEPS * 2.0 ** (BIN_OCTAVES * STRENGTH_BINS * FIRST_M)
    basis = np.linalg.solve(root.T, np.moveaxis(directions, 0, 1).reshape(FEATURES, -1)) * step
    bins = np.round((np.log2(deviations / step) - LOG2_SIGMA_MIN) / BIN_OCTAVES)
    basis = np.moveaxis(basis.reshape(FEATURES, -1, COLOURS), 1, 0)
    return {"basis": basis.astype(np.float16), "scale_bins": bins.astype(np.int16)}


def write_postfilter(folder: Path, tensors: dict[str, NDArray[np.generic]]) -> FileRow:
    """Writes the file and its row of the manifest."""
    data = save({name: np.ascontiguousarray(array) for name, array in tensors.items()})
    (folder / FILE).write_bytes(data)
    row: FileRow = {"file": FILE, "sha256": hashlib.sha256(data).hexdigest()}
    whole = json.loads((folder / MANIFEST).read_text()) | {"postfilter": row}
    (folder / MANIFEST).write_text(json.dumps(whole, indent=1) + "\n")
    return row


def main() -> None:
    parser = argparse.ArgumentParser("python -m training.filter_basis", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/train"), help="folder of square crops")
    parser.add_argument("--crops", type=int, default=1000, help="how many are coded (default 1000)")
    parser.add_argument("--filters", type=int, default=FILTERS, help=f"size of the basis (default {FILTERS})")
    arguments = parser.parse_args()
    zoo = load_zoo()
    found = best_filters(zoo, CropSet(arguments.data), arguments.crops)
    print(write_postfilter(zoo.folders[0], principal_filters(found, arguments.filters)))


if __name__ == "__main__":
    main()
