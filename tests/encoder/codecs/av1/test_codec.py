from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from decoder_pkg.codecs.av1.codec import DATA
from decoder_pkg.codecs.av1.headers import read_av1
from encoder.codecs import NotCoded
from encoder.codecs.av1 import Av1Encoder, codec
from tests.av1_zoo import page


def test_finer_settings_give_more_data_of_the_picture_s_size() -> None:
    settings = Av1Encoder().settings(9)
    coded = [Av1Encoder().code(page(40, 120), at, quick=True)[DATA].tobytes() for at in settings[::20]]
    lengths = [len(data) for data in coded]
    assert lengths == sorted(lengths)
    assert lengths[-1] > 2 * lengths[0]


def test_data_is_what_the_decoder_reads() -> None:
    data = Av1Encoder().code(page(40, 120), Av1Encoder().settings(9)[30], quick=False)[DATA]
    header = read_av1(data.astype(np.uint8).tobytes())
    assert (header.height, header.width, header.colour.halved) == (40, 120, False)


def test_pillow_without_avif_codes_nothing_rather_than_ending_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    Image.init()
    monkeypatch.delitem(Image.SAVE, "AVIF")
    with pytest.raises(NotCoded, match="Pillow makes no AVIF file"):
        Av1Encoder().code(page(40, 120), Av1Encoder().settings(9)[30], quick=True)


def test_data_that_its_length_cannot_tell_is_not_coded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "_avif", lambda *_: b"mdat\x12\0" + bytes(2**24))
    with pytest.raises(NotCoded, match="16777216 bytes"):
        Av1Encoder().code(page(40, 120), Av1Encoder().settings(9)[30], quick=True)


@pytest.mark.parametrize(("screen", "codings"), [(True, 2), (False, 1)])
def test_screens_alone_are_coded_twice_and_never_for_an_estimate(
    photo: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch, screen: bool, codings: int
) -> None:
    """Photographs have no use for the time, and a second coding of a screen may be much better."""
    made, honest = list[object](), codec._avif

    def counted(*arguments: Any) -> bytes:
        made.append(arguments)
        return honest(*arguments)

    monkeypatch.setattr(codec, "_avif", counted)
    pixels, at = page(40, 120) if screen else photo[:40, :120], Av1Encoder().settings(9)[20]
    Av1Encoder().code(pixels, at, quick=False)
    assert len(made) == codings
    Av1Encoder().code(pixels, at, quick=True)
    assert len(made) == codings + 1


@pytest.mark.parametrize("best", [0, 1])
def test_coding_that_costs_less_counts(monkeypatch: pytest.MonkeyPatch, best: int) -> None:
    """The finer of two where bytes are cheap, the smaller one where they are dear."""
    pixels, settings = page(40, 120), Av1Encoder().settings(9)
    files = [codec._avif(pixels, quality, 6) for quality in (20, 90)]
    given = iter([*files, *files[::-1]])
    monkeypatch.setattr(codec, "_avif", lambda *_: next(given))
    for _ in range(2):
        data = Av1Encoder().code(pixels, settings[-best], quick=False)[DATA]
        assert data.astype(np.uint8).tobytes() == codec._data(files[best])
