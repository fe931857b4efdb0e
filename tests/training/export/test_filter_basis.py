from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from decoder_pkg.entropy import Q_ONE
from decoder_pkg.errors import WeightsError
from decoder_pkg.models import load_bundle
from decoder_pkg.pixels.filters import COLOURS, FEATURES, LinearFilter
from encoder.codecs import coding_setting
from encoder.coding import AnalysedPicture
from encoder.filters import NormalEquations
from encoder.models import Zoo, load_zoo, read_encoder_manifest
from tests.paths import GOLDEN
from training.data.crops import CropSet
from training.export.filter_basis import CropFits, crop_fits, filter_covariance, principal_filters, write_post_filter
from training.export.manifests import NewModel, update_manifests
from training.export.tables import gaussian_tables


def fits(filters: NDArray[np.float64], rng: np.random.Generator) -> CropFits:
    """Equations of crops whose filters are known, with a little noise."""
    equations = []
    for wanted in filters:
        seen = rng.normal(size=(FEATURES, 3000))
        missing = wanted.T @ seen + 0.01 * rng.normal(size=(COLOURS, 3000))
        equations.append(NormalEquations(seen @ seen.T, seen @ missing.T))
    return CropFits(equations, np.full(len(filters), 1e-4), np.full(len(filters), 3000.0))


def golden_copies(folder: Path) -> tuple[Path, Path]:
    """Copies of both halves of the tiny models."""
    halves = folder / "decoder", folder / "encoder"
    for half in halves:
        shutil.copytree(GOLDEN / half.name, half)
    return halves


def test_basis_holds_the_filters_it_was_made_of() -> None:
    rng = np.random.default_rng(1)
    few = rng.normal(size=(3, FEATURES, COLOURS))
    filters = np.einsum("nk,kfc->nfc", rng.normal(size=(24, 3)) * (9, 3, 1), few)
    made = principal_filters(fits(filters, rng), 3)
    basis = made["basis"].astype(np.float64).reshape(3, -1)
    flat = filters.reshape(24, -1)
    rest = flat - np.linalg.lstsq(basis.T, flat.T, rcond=None)[0].T @ basis
    assert np.abs(rest).max() < 0.05 * np.abs(flat).max()
    assert (np.diff(made["scale_bins"].astype(int)) < 0).all()


def test_feature_that_crops_lack_is_not_believed() -> None:
    rng = np.random.default_rng(2)
    filters = np.einsum("nk,kfc->nfc", rng.normal(size=(24, 1)), rng.normal(size=(1, FEATURES, COLOURS)))
    known = fits(filters, rng)
    for fit in known.equations[1:]:
        fit.matrix[5], fit.matrix[:, 5], fit.vector[5] = 0, 0, 0
    known.equations[0].vector[5] *= 50
    root = np.eye(FEATURES) * np.sqrt(3000)
    covariance = filter_covariance(known, root).reshape(COLOURS, FEATURES, COLOURS, FEATURES)
    usual = np.median([covariance[0, k, 0, k] for k in range(FEATURES)])
    assert covariance[0, 5, 0, 5] < 60 * usual


def test_filters_of_crops_help_another_picture(golden_zoo: Zoo, photo: NDArray[np.uint8], tmp_path: Path) -> None:
    (tmp_path / "crops").mkdir()
    for number in range(4):
        Image.fromarray(photo[40 * number : 40 * number + 128, 60 * number : 60 * number + 128]).save(
            tmp_path / f"crops/{number}.png"
        )
    crops = CropSet(tmp_path / "crops", tmp_path / "cache")
    made = principal_filters(crop_fits(golden_zoo, crops, 6), 4)
    folders = golden_copies(tmp_path)
    write_post_filter(folders, made, {})
    zoo = load_zoo(*folders)
    pixels = np.ascontiguousarray(photo[150:250, 300:420])
    plain, filtered = (
        AnalysedPicture(pixels, zoo.models[8], filters).encode(coding_setting(24, Q_ONE))[0]
        for filters in ({}, zoo.bundle.post_filters)
    )
    assert (plain.header.filters, filtered.header.filters) == ([], [0])
    assert filtered.squared_error < plain.squared_error


def test_crop_without_error_does_not_outweigh_the_others(golden_zoo: Zoo, tmp_path: Path) -> None:
    (tmp_path / "crops").mkdir()
    Image.fromarray(np.full((128, 128, 3), 255, np.uint8)).save(tmp_path / "crops/white.png")
    found = crop_fits(golden_zoo, CropSet(tmp_path / "crops", tmp_path / "cache"), 3)
    assert found.errors.min() >= 1 / 12


def test_post_filter_and_models_are_written_beside_each_other(tmp_path: Path) -> None:
    folders = golden_copies(tmp_path)
    basis = np.ones((2, FEATURES, COLOURS), np.float16)
    before = load_bundle(folders[0])
    made = gaussian_tables() | {"basis": basis, "scale_bins": np.array([3, 1], np.int16)}
    write_post_filter(folders, made, {"data": "two crops"})
    with pytest.raises(WeightsError):
        write_post_filter(folders, {"basis": basis}, {})
    update_manifests(*folders, NewModel(8, "again", "smoke-quadtree.safetensors", None, {}))
    after = load_bundle(folders[0])
    written = after.post_filters[0]
    assert isinstance(written, LinearFilter)
    assert np.array_equal(written.basis, basis)
    assert read_encoder_manifest(folders[1]).filters[0]["data"] == "two crops"
    assert after.id_for([7, 8], []) == before.id_for([7, 8], [])
    assert after.id_for([7, 8], [0]) != before.id_for([7, 8], [])
