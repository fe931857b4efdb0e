from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from decoder_pkg.codecs.hyperprior.payload import coefficient_tables, decode_payload
from decoder_pkg.entropy.scales import BIN_OCTAVES
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save

from decoder_pkg.decoder import decode_archive
from decoder_pkg.errors import CorruptPayload, PayloadError, WeightsError, WrongBundle
from decoder_pkg.models.bundle import load_bundle
from decoder_pkg.pixels.filters.correction import correct, features, padded_levels
from decoder_pkg.pixels.filters.linear import COLOURS, FEATURES, M_MAX, parse_postfilter
from decoder_pkg.stream.container import Archive, Entry, read_archive
from encoder.coding.payload import encode_payload, quantise
from encoder.weights import Zoo
from tests.decoder_pkg.test_latents import random_latents
from tests.paths import GOLDEN

TENSORS = load_file(GOLDEN / "filtered/postfilter.safetensors")


def first_entry() -> Entry:
    return read_archive((GOLDEN / "filtered/v1.clc").read_bytes()).entries[0]


def test_filter_is_what_its_features_say_at_every_sample() -> None:
    picture = torch.rand(3, 70, 9, generator=torch.Generator().manual_seed(1))
    kernel = np.random.default_rng(1).normal(0, 0.1, (FEATURES, COLOURS)).astype(np.float32)
    corrected = correct(picture, kernel) * 255
    levels = padded_levels(picture).numpy()
    for row, column in ((0, 0), (33, 4), (64, 8), (69, 5)):
        centre = levels[:, row + 8, column + 8]
        plain, clipped = [], []
        for y, x in [(0, 1), (0, 2), *((y, x) for y in (1, 2) for x in range(-2, 3))]:
            pair = [levels[:, row + 8 + sign * y, column + 8 + sign * x] - centre for sign in (1, -1)]
            plain.append(pair[0] + pair[1])
            clipped.append(np.clip(pair[0], -10, 10) + np.clip(pair[1], -10, 10))
        for distance in (4, 8):
            window = levels[:, row + 8 - distance :, column + 8 - distance :][:, : 2 * distance + 1, : 2 * distance + 1]
            plain.append(window.mean((1, 2)) - centre)
            clipped.append(np.clip(plain[-1], -10, 10))
        red, green, blue = tones = centre - 128
        hinges = [np.maximum(tones - knot, 0) for knot in range(-96, 97, 24)]
        products = [red * red, red * green, red * blue, green * green, green * blue, blue * blue]
        thirds = [red * product for product in products]
        thirds += [green * product for product in products[3:]] + [blue * blue * blue]
        tail = np.concatenate([np.array(products) / 128, np.array(thirds) / 128**2])
        seen = np.concatenate([[1], tones, *plain, *clipped, *hinges, tail])
        assert np.allclose(corrected[:, row, column], centre + seen @ kernel, atol=2e-2)


def test_filter_of_zeros_changes_nothing() -> None:
    picture = torch.rand(3, 5, 4)
    assert torch.allclose(correct(picture, np.zeros((FEATURES, COLOURS), np.float32)), picture, atol=1e-6)
    assert features(padded_levels(picture)).shape == (FEATURES, 5, 4)


def test_step_of_coefficients_follows_the_scale_bins() -> None:
    postfilter = parse_postfilter(save(TENSORS))
    one = np.eye(len(postfilter.basis), dtype=np.int32)[3]
    coarse, fine = (postfilter.kernel(one, m, 8) for m in (20, 21))
    octaves = BIN_OCTAVES * (postfilter.bins(21) - postfilter.bins(20))[3]
    assert np.allclose(fine, coarse * 2.0**-octaves, rtol=1e-6)
    assert np.allclose(coarse, postfilter.basis[3] * postfilter.step(20, 8), rtol=1e-6)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, M_MAX), st.integers(0, 48), st.sampled_from([0.3, 5.0, 3000.0]))
def test_coefficients_survive_any_strength(filtered_zoo: Zoo, m: int, gain: int, size: float) -> None:
    model, postfilter = filtered_zoo.bundle.models[8].entropy, filtered_zoo.bundle.postfilter
    assert postfilter
    rng, bins = np.random.default_rng(m), postfilter.bins(m)
    coefficients = np.zeros(len(bins), np.int32)
    coded = [k for k, _ in coefficient_tables(model, bins)]
    coefficients[coded] = rng.normal(0, size, len(coded)).round()
    quantised = quantise(model, *random_latents(rng, 3, 5, 2.0), 128)
    payload = encode_payload(model, quantised, gain, bins, coefficients)
    decoded = decode_payload(model, payload, 3, 5, gain, 128, bins)
    assert np.array_equal(decoded.coefficients, coefficients)
    assert np.array_equal(decoded.latents, quantised.latents)


def test_filtered_stream_is_not_taken_for_one_without(golden_zoo: Zoo, filtered_zoo: Zoo) -> None:
    stream = (GOLDEN / "filtered/v1.clc").read_bytes()
    with pytest.raises(WrongBundle):
        list(decode_archive(golden_zoo.bundle, read_archive(stream)))
    (without,) = decode_archive(golden_zoo.bundle, Archive(golden_zoo.bundle.id, (first_entry(),)))
    assert isinstance(without.error, CorruptPayload)


@pytest.mark.parametrize("m", [0, 1, 19, 21, 255])
def test_another_strength_is_told_by_the_checksum(filtered_zoo: Zoo, m: int) -> None:
    entry = first_entry()
    forged = replace(entry, header=replace(entry.header, m=m))
    (decoded,) = decode_archive(filtered_zoo.bundle, Archive(filtered_zoo.bundle.id, (forged,)))
    assert isinstance(decoded.error, PayloadError)


ODD: dict[str, dict[str, np.ndarray | None]] = {
    "no basis": {"basis": None},
    "no scales": {"scale_bins": None},
    "empty": {"basis": TENSORS["basis"][:0], "scale_bins": TENSORS["scale_bins"][:0]},
    "fewer scales": {"scale_bins": TENSORS["scale_bins"][:-1]},
    "fewer features": {"basis": TENSORS["basis"][:, :-1]},
    "too many": {name: np.repeat(array, 33, axis=0) for name, array in TENSORS.items()},
    "scalar": {"basis": np.array(1, np.float16)},
    "flat": {"basis": TENSORS["basis"].reshape(-1)},
    "double": {"basis": TENSORS["basis"].astype(np.float64)},
    "no number": {"basis": np.full_like(TENSORS["basis"], np.nan)},
    "infinite": {"basis": np.full_like(TENSORS["basis"], np.inf)},
    "wide scales": {"scale_bins": TENSORS["scale_bins"].astype(np.int64)},
}


@pytest.mark.parametrize("change", ODD.values(), ids=ODD)
def test_postfilter_that_is_none_is_refused(change: dict[str, np.ndarray | None]) -> None:
    tensors = {name: array for name, array in (TENSORS | change).items() if array is not None}
    with pytest.raises(WeightsError):
        parse_postfilter(save(tensors))


def test_changed_or_absent_postfilter_is_refused(filtered_weights: Path, tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    shutil.copytree(filtered_weights, folder)
    (folder / "postfilter.safetensors").write_bytes(save({"basis": TENSORS["basis"]}))
    with pytest.raises(WeightsError, match="sha256"):
        load_bundle(folder)
    (folder / "postfilter.safetensors").unlink()
    with pytest.raises(WeightsError, match="missing"):
        load_bundle(folder)


@pytest.mark.parametrize("row", ["[]", '{"file": "../x", "sha256": ""}', '{"sha256": ""}', "3"])
def test_postfilter_row_that_names_no_file_is_refused(filtered_weights: Path, tmp_path: Path, row: str) -> None:
    folder = tmp_path / "weights"
    shutil.copytree(filtered_weights, folder)
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(text[: text.index('"postfilter"')] + f'"postfilter": {row}}}')
    with pytest.raises(WeightsError, match="damaged"):
        load_bundle(folder)
