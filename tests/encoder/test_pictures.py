from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from encoder.pictures import PictureError, find_pictures, load_picture

RGB = np.random.default_rng(1).integers(0, 256, (5, 7, 3)).astype(np.uint8)


def test_rgb_is_not_touched(tmp_path: Path) -> None:
    Image.fromarray(RGB).save(tmp_path / "a.png")
    assert np.array_equal(load_picture(tmp_path / "a.png"), RGB)


def test_grey_becomes_equal_channels(tmp_path: Path) -> None:
    Image.fromarray(RGB[:, :, 0]).save(tmp_path / "a.png")
    assert np.array_equal(load_picture(tmp_path / "a.png"), np.repeat(RGB[:, :, :1], 3, axis=2))


def test_palette_becomes_its_colours(tmp_path: Path) -> None:
    palette = Image.fromarray(RGB).quantize(8)
    palette.save(tmp_path / "a.png")
    assert np.array_equal(load_picture(tmp_path / "a.png"), np.asarray(palette.convert("RGB")))


def test_sixteen_bit_grey_keeps_its_upper_byte(tmp_path: Path) -> None:
    samples = np.array([[0, 255, 256, 65535]], dtype=np.uint16)
    Image.fromarray(samples).save(tmp_path / "a.png")
    assert load_picture(tmp_path / "a.png")[0, :, 0].tolist() == [0, 0, 1, 255]


def test_opaque_alpha_is_dropped(tmp_path: Path) -> None:
    opaque = np.dstack([RGB, np.full(RGB.shape[:2], 255, np.uint8)])
    Image.fromarray(opaque).save(tmp_path / "a.png")
    assert np.array_equal(load_picture(tmp_path / "a.png"), RGB)


def test_transparency_is_refused_and_not_painted_black(tmp_path: Path) -> None:
    clear = np.dstack([RGB, np.full(RGB.shape[:2], 254, np.uint8)])
    Image.fromarray(clear).save(tmp_path / "a.png")
    with pytest.raises(PictureError, match="transparent"):
        load_picture(tmp_path / "a.png")


def test_photograph_held_upright_is_turned(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(RGB).save(tmp_path / "a.jpg", exif=exif)
    assert load_picture(tmp_path / "a.jpg").shape == (7, 5, 3)


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + bytes(50)])
def test_broken_file_is_a_named_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(PictureError, match=r"a\.png"):
        load_picture(tmp_path / "a.png")


def test_broken_exif_is_a_named_error(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(RGB).save(tmp_path / "a.png", exif=exif.tobytes()[:10])
    with pytest.raises(PictureError, match=r"a\.png"):
        load_picture(tmp_path / "a.png")


def test_cut_file_is_a_named_error(tmp_path: Path) -> None:
    Image.fromarray(np.tile(RGB, (40, 40, 1))).save(tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(data[: len(data) // 2])
    with pytest.raises(PictureError):
        load_picture(tmp_path / "a.png")


def test_missing_file_is_a_named_error(tmp_path: Path) -> None:
    with pytest.raises(PictureError):
        load_picture(tmp_path / "missing.png")


def test_two_pictures_of_one_output_name_are_refused(tmp_path: Path) -> None:
    Image.fromarray(RGB).save(tmp_path / "a.png")
    Image.fromarray(RGB).save(tmp_path / "a.jpg")
    with pytest.raises(PictureError, match="rename"):
        find_pictures(tmp_path)


@pytest.mark.parametrize("name", ["", "missing"])
def test_folder_without_pictures_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(PictureError):
        find_pictures(tmp_path / name)
