from __future__ import annotations

import numpy as np
import pytest
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
