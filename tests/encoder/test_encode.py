from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import encoder.coding.coded_picture as encoding
import numpy as np
import pytest
from decoder_pkg.codecs.hyperprior.entropy_model import EntropyModel
from encoder.coding.coded_picture import AnalysedPicture
from numpy.typing import NDArray

from decoder_pkg.decoder import decode_archive
from decoder_pkg.gains import GAIN_COUNT
from decoder_pkg.stream.container import Archive
from encoder.byte_budget import BudgetError, encode_within, refine_within
from encoder.cache import CandidateCache
from encoder.candidates import Candidate, RoundTripError
from encoder.coding.payload import QuantisedLatents, encode_payload
from encoder.picture_coder import SWEEP, PictureCoder
from encoder.presets import Preset
from encoder.weights import Zoo
from eval.metrics import squared_error

Pixels = NDArray[np.uint8]


@pytest.mark.parametrize("size", [(1, 1), (1, 70), (70, 1), (16, 16), (17, 15), (64, 65), (129, 31)])
def test_any_size_comes_back_with_its_size(golden_zoo: Zoo, photo: Pixels, size: tuple[int, int]) -> None:
    pixels = photo[: size[0], : size[1]]
    candidate, _ = AnalysedPicture(pixels, golden_zoo.models[7]).encode(24)
    (decoded,) = decode_archive(golden_zoo.bundle, Archive(golden_zoo.bundle.id, (candidate.entry("a"),)))
    assert decoded.pixels is not None
    assert decoded.pixels.shape == pixels.shape
    assert squared_error(pixels, decoded.pixels) == candidate.squared_error


def test_higher_gain_spends_more_and_errs_less(golden_zoo: Zoo, photo: Pixels) -> None:
    picture = AnalysedPicture(photo, golden_zoo.models[7])
    coarse, fine = picture.encode(0)[0], picture.encode(40)[0]
    assert len(coarse.payload) < len(fine.payload)
    assert coarse.squared_error > fine.squared_error


def test_stream_that_decodes_differently_is_never_returned(
    golden_zoo: Zoo, photo: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = encode_payload

    def broken(model: EntropyModel, quantised: QuantisedLatents, *others: Any) -> bytes:
        first = quantised.symbols[0].copy()
        first[0, 3] += 1
        return honest(model, replace(quantised, symbols=(first, *quantised.symbols[1:])), *others)

    monkeypatch.setattr(encoding, "encode_payload", broken)
    with pytest.raises(RoundTripError):
        AnalysedPicture(photo[:64, :64], golden_zoo.models[7]).encode(24)


def test_tiles_of_the_analysis_do_not_change_the_latents(
    golden_zoo: Zoo, photo: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = AnalysedPicture(photo, golden_zoo.models[7])._y
    monkeypatch.setattr(encoding, "TILE", 8)
    tiled = AnalysedPicture(photo, golden_zoo.models[7])._y
    assert np.allclose(whole.numpy(), tiled.numpy(), atol=1e-4)


def coder(zoo: Zoo, pixels: Pixels, folder: Path) -> PictureCoder:
    return PictureCoder(pixels, zoo, CandidateCache(folder))


def test_interrupted_sweep_goes_on_where_it_stopped(
    golden_zoo: Zoo, photo: Pixels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = photo[:48, :48]
    first = []
    for measured in coder(golden_zoo, pixels, tmp_path).sweep():
        first.append(measured)
        if len(first) == 5:
            break
    calls = []
    honest = AnalysedPicture.encode

    def counted(self: AnalysedPicture, gain: int, q: int, *others: Any) -> tuple[Candidate, Pixels]:
        calls.append((gain, q))
        return honest(self, gain, q, *others)

    monkeypatch.setattr(AnalysedPicture, "encode", counted)
    again = list(coder(golden_zoo, pixels, tmp_path).sweep())
    assert again[:5] == first
    assert calls == [*SWEEP[5:], *SWEEP]  # the rest of the first model, and the second one


def test_damaged_cache_file_is_made_again(golden_zoo: Zoo, photo: Pixels, tmp_path: Path) -> None:
    pixels = photo[:48, :48]
    honest = coder(golden_zoo, pixels, tmp_path).encode(7, 24)
    (path,) = tmp_path.iterdir()
    for damage in (b"", b"{", path.read_bytes()[:50]):
        path.write_bytes(damage)
        assert coder(golden_zoo, pixels, tmp_path).encode(7, 24) == honest


def test_other_pictures_do_not_share_cached_results(golden_zoo: Zoo, photo: Pixels, tmp_path: Path) -> None:
    one = coder(golden_zoo, photo[:48, :48], tmp_path).encode(7, 24)
    other = coder(golden_zoo, photo[48:96, :48], tmp_path).encode(7, 24)
    assert one != other


def candidate_size(candidate: Candidate) -> int:
    return len(candidate.payload)


@pytest.mark.parametrize("budget", [60, 150, 400])
def test_budget_is_kept_and_used(golden_zoo: Zoo, photo: Pixels, tmp_path: Path, budget: int) -> None:
    picture = coder(golden_zoo, photo[:96, :128], tmp_path)
    best = encode_within(picture, candidate_size, budget)
    assert 0.85 * budget <= len(best.payload) <= budget


def test_budget_beyond_the_highest_gain_is_used_too(golden_zoo: Zoo, photo: Pixels, tmp_path: Path) -> None:
    picture = coder(golden_zoo, photo[:96, :128], tmp_path)
    most = max((picture.encode(model, GAIN_COUNT - 1).candidate for model in picture.models), key=candidate_size)
    budget = round(1.2 * most.header.length)
    best = encode_within(picture, candidate_size, budget)
    assert 0.95 * budget <= candidate_size(best) <= budget
    assert best.squared_error < most.squared_error
    assert max(measured.candidate.header.length for measured in picture.sweep()) > budget


def test_refined_picture_keeps_the_budget_and_is_never_worse(golden_zoo: Zoo, photo: Pixels, tmp_path: Path) -> None:
    picture = coder(golden_zoo, photo[:96, :128], tmp_path)
    plain = encode_within(picture, candidate_size, 300)
    refined = refine_within(picture, candidate_size, 300, Preset("test", "local", 20, saving=0.05))
    assert len(refined.payload) <= 300
    assert refined.squared_error <= plain.squared_error


def test_impossible_budget_names_what_is_possible(golden_zoo: Zoo, photo: Pixels, tmp_path: Path) -> None:
    picture = coder(golden_zoo, photo[:96, :128], tmp_path)
    with pytest.raises(BudgetError, match=r"takes \d+ bytes, 3 are allowed"):
        encode_within(picture, candidate_size, 3)
