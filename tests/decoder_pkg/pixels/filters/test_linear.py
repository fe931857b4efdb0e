from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save

from decoder_pkg.codecs import CodingSetting
from decoder_pkg.decoder import decode_archive
from decoder_pkg.entropy import new_payload, shortest_payload
from decoder_pkg.entropy.scale_tables import BIN_OCTAVES
from decoder_pkg.errors import CorruptPayload, PayloadError, WeightsError, WrongBundle
from decoder_pkg.gains import GAIN_COUNT, GainField
from decoder_pkg.models.bundle import load_bundle
from decoder_pkg.payload import SideInformation, decode_integers, decode_payload, write_side_information
from decoder_pkg.pixels.filters.interface import FilterChain, FilterLink
from decoder_pkg.pixels.filters.linear import M_MAX, LinearFilter, LinearParameters
from decoder_pkg.stream.container import Entry, read_archive
from decoder_pkg.weight_files import parse_safetensors
from encoder.codecs import coding_setting
from encoder.coding import encode_payload
from encoder.models import Zoo
from tests.decoder_pkg.pictures import header_of, random_picture, same_integers
from tests.golden.make import FILTERED, STREAM
from tests.streams import archive_of, with_header

TENSORS = load_file(FILTERED / "postfilter.safetensors")


def linear_filter(**change: np.ndarray | None) -> LinearFilter:
    """The golden post-filter with other tensors (None: without one)."""
    tensors = {name: array for name, array in (TENSORS | change).items() if array is not None}
    return LinearFilter(parse_safetensors(save(tensors)))


def first_entry() -> Entry:
    return read_archive((FILTERED / STREAM).read_bytes()).entries[0]


def test_step_of_coefficients_follows_the_scale_bins() -> None:
    post_filter = linear_filter()
    one = np.eye(len(post_filter.basis), dtype=np.int32)[3]
    coarse, fine = (post_filter.taps(LinearParameters(m, one, 8)) for m in (20, 21))
    octaves = BIN_OCTAVES * (post_filter.bins(21) - post_filter.bins(20))[3]
    assert np.allclose(fine, coarse * 2.0**-octaves, rtol=1e-6)
    assert np.allclose(coarse, post_filter.basis[3] * post_filter.step(20, 8), rtol=1e-6)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, M_MAX), st.integers(0, GAIN_COUNT - 1), st.sampled_from([0.3, 5.0, 3000.0]))
def test_coefficients_survive_any_strength(filtered_zoo: Zoo, m: int, gain: int, spread: float) -> None:
    codec, post_filter = filtered_zoo.bundle.models[8].codec, linear_filter()
    coefficients = np.zeros(len(post_filter.basis), np.int32)
    coded = [k for k, _ in post_filter.tables(m)]
    coefficients[coded] = np.random.default_rng(m).normal(0, spread, len(coded)).round()
    chain = FilterChain({0: FilterLink(post_filter, LinearParameters(m, coefficients, gain))})
    side, size, setting = SideInformation(GainField(gain), chain), (41, 70), coding_setting(gain, 128)
    picture = random_picture(codec, size, setting)
    payload = encode_payload(picture, side)
    decoded = decode_payload(codec, payload, header_of(size, setting, side.records), {0: post_filter})
    found = decoded.side.filters.links[0].parameters
    assert (found.m, found.gain) == (m, gain)
    assert np.array_equal(found.coefficients, coefficients)
    assert same_integers(decoded.integers, picture.integers)


def test_filtered_stream_is_not_taken_for_one_without(golden_zoo: Zoo) -> None:
    stream = (FILTERED / STREAM).read_bytes()
    with pytest.raises(WrongBundle):
        list(decode_archive(golden_zoo.bundle, read_archive(stream)))
    with pytest.raises(CorruptPayload, match="filter 0"):
        decode_integers(golden_zoo.bundle, first_entry())


def test_filter_switched_off_in_the_header_is_told_by_the_checksum(filtered_zoo: Zoo) -> None:
    forged = with_header(first_entry(), records=0)
    (decoded,) = decode_archive(filtered_zoo.bundle, archive_of(filtered_zoo.bundle, forged))
    assert isinstance(decoded.error, PayloadError)


@pytest.mark.parametrize("m", [1, 19, 21, 255])
def test_another_strength_is_told_by_the_checksum(filtered_zoo: Zoo, m: int) -> None:
    """Strength and coefficients are part of the payload, and so of its checksum."""
    bundle, entry = filtered_zoo.bundle, first_entry()
    honest = decode_integers(bundle, entry)
    link = honest.side.filters.links[0]
    assert link.parameters.m != m
    changed = FilterLink(link.filter, replace(link.parameters, m=m))
    coder = new_payload()
    write_side_information(coder, SideInformation(honest.side.gain, FilterChain({0: changed})))
    size, setting = (entry.header.height, entry.header.width), CodingSetting(honest.side.gain, entry.header.q)
    bundle.models[entry.header.model].codec.encode(coder, honest.integers, size, setting)
    payload = shortest_payload(coder)
    forged = replace(with_header(entry, length=len(payload)), payload=payload)
    (decoded,) = decode_archive(bundle, archive_of(bundle, forged))
    assert isinstance(decoded.error, PayloadError)


ODD: dict[str, dict[str, np.ndarray | None]] = {
    "no basis": {"basis": None},
    "no scales": {"scale_bins": None},
    "empty": {"basis": TENSORS["basis"][:0], "scale_bins": TENSORS["scale_bins"][:0]},
    "fewer scales": {"scale_bins": TENSORS["scale_bins"][:-1]},
    "fewer features": {"basis": TENSORS["basis"][:, :-1]},
    "too many": {name: np.repeat(TENSORS[name], 33, axis=0) for name in ("basis", "scale_bins")},
    "scalar": {"basis": np.array(1, np.float16)},
    "flat": {"basis": TENSORS["basis"].reshape(-1)},
    "double": {"basis": TENSORS["basis"].astype(np.float64)},
    "no number": {"basis": np.full_like(TENSORS["basis"], np.nan)},
    "infinite": {"basis": np.full_like(TENSORS["basis"], np.inf)},
    "no tables": {"gaussian.frequency": None},
    "no log q": {"log_q": None},
    "bin of no table": {"gaussian.table_of_bin": np.full(256, 255, np.uint8)},
    "wide scales": {"scale_bins": TENSORS["scale_bins"].astype(np.int64)},
}


@pytest.mark.parametrize("change", ODD.values(), ids=ODD)
def test_post_filter_that_is_none_is_refused(change: dict[str, np.ndarray | None]) -> None:
    linear_filter()
    with pytest.raises(WeightsError):
        linear_filter(**change)


def test_changed_or_absent_post_filter_is_refused(filtered_weights: Path, tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    shutil.copytree(filtered_weights, folder)
    (folder / "postfilter.safetensors").write_bytes(save({"basis": TENSORS["basis"]}))
    with pytest.raises(WeightsError, match="sha256"):
        load_bundle(folder)
    (folder / "postfilter.safetensors").unlink()
    with pytest.raises(WeightsError, match="missing"):
        load_bundle(folder)
