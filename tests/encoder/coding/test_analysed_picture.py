from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

import encoder.coding.interface as encoding
from decoder_pkg.decoder import decode_archive
from decoder_pkg.payload import SideInformation
from decoder_pkg.pixels.filters.interface import FilterChain, FilterLink
from encoder.candidates import RoundTripError
from encoder.codecs import coding_setting
from encoder.coding import AnalysedPicture, QuantisedPicture, encode_payload
from encoder.models import Zoo
from eval.metrics import squared_error
from tests.streams import archive_of

Pixels = NDArray[np.uint8]


@pytest.mark.parametrize("size", [(1, 1), (1, 70), (70, 1), (16, 16), (17, 15), (64, 65), (129, 31)])
def test_any_size_comes_back_with_its_size(golden_zoo: Zoo, photo: Pixels, size: tuple[int, int]) -> None:
    pixels = photo[: size[0], : size[1]]
    candidate, _ = AnalysedPicture(pixels, golden_zoo.models[7]).encode(coding_setting(24, 128))
    (decoded,) = decode_archive(golden_zoo.bundle, archive_of(golden_zoo.bundle, candidate.entry("a")))
    assert decoded.pixels is not None
    assert decoded.pixels.shape == pixels.shape
    assert squared_error(pixels, decoded.pixels) == candidate.squared_error


def test_higher_gain_spends_more_and_errs_less(golden_zoo: Zoo, photo: Pixels) -> None:
    picture = AnalysedPicture(photo, golden_zoo.models[7])
    coarse, fine = (picture.encode(coding_setting(gain, 128))[0] for gain in (0, 40))
    assert len(coarse.payload) < len(fine.payload)
    assert coarse.squared_error > fine.squared_error


@pytest.mark.parametrize(("step", "place"), [(0, 3), (1, 0), (-1, -1)])
def test_stream_that_decodes_differently_is_never_returned(
    golden_zoo: Zoo, photo: Pixels, monkeypatch: pytest.MonkeyPatch, step: int, place: int
) -> None:
    honest = encode_payload

    def broken(quantised: QuantisedPicture, side: SideInformation) -> bytes:
        symbols = [part.copy() for part in quantised.symbols]
        symbols[step].reshape(-1)[place] += 1
        return honest(replace(quantised, symbols=tuple(symbols)), side)

    monkeypatch.setattr(encoding, "encode_payload", broken)
    with pytest.raises(RoundTripError):
        AnalysedPicture(photo[:64, :64], golden_zoo.models[8]).encode(coding_setting(24, 128))


def test_stream_whose_side_information_decodes_differently_is_never_returned(
    filtered_zoo: Zoo, photo: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = encode_payload

    def broken(quantised: QuantisedPicture, side: SideInformation) -> bytes:
        link = side.filters.links[0]
        other = FilterLink(link.filter, replace(link.parameters, m=link.parameters.m % 255 + 1))
        return honest(quantised, replace(side, filters=FilterChain({0: other})))

    picture = AnalysedPicture(photo[:96, 100:230].copy(), filtered_zoo.models[8], filtered_zoo.bundle.post_filters)
    assert picture.encode(coding_setting(24, 128))[0].header.filters == [0]
    monkeypatch.setattr(encoding, "encode_payload", broken)
    with pytest.raises(RoundTripError):
        picture.encode(coding_setting(24, 128))


def test_tiles_of_the_analysis_do_not_change_the_latents(
    golden_zoo: Zoo, photo: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = AnalysedPicture(photo, golden_zoo.models[7])._analysed
    monkeypatch.setattr("encoder.coding.analysed_picture.TILE", 8)
    tiled = AnalysedPicture(photo, golden_zoo.models[7])._analysed
    assert np.allclose(whole.numpy(), tiled.numpy(), atol=1e-4)
