from __future__ import annotations

from typing import Any

import pytest

from decoder_pkg.codecs.av1.container import avif_file
from decoder_pkg.codecs.av1.headers import read_av1
from tests.decoder_pkg.codecs.av1.files import Pixels, avif_of, data_of, drawing, noise

SCREENS = {"advanced": {"enable-palette": "1", "enable-intrabc": "1", "tune": "psnr"}}


@pytest.mark.parametrize("pixels", [noise(30, 40), noise(1, 1), noise(1, 65), drawing(200, 300)], ids=str)
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:0"])
@pytest.mark.parametrize("arguments", [{}, {"quality": 0}, {"quality": 100}, {"range": "limited"}, SCREENS], ids=str)
def test_rebuilt_file_is_pillow_s_own_byte_by_byte(pixels: Pixels, subsampling: str, arguments: dict[str, Any]) -> None:
    file = avif_of(pixels, subsampling=subsampling, **arguments)
    data = data_of(file)
    header = read_av1(data)
    assert (header.height, header.width) == pixels.shape[:2]
    assert avif_file(header, data) == file


def test_file_of_a_picture_wider_than_a_byte_tells_keeps_its_level() -> None:
    file = avif_of(drawing(8, 9000))
    data = data_of(file)
    assert read_av1(data).level > 0
    assert avif_file(read_av1(data), data) == file
