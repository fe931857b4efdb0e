from __future__ import annotations

import io
import os
import struct
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ExifTags, Image
from PIL.ImageCms import ImageCmsProfile, createProfile
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from encoder.pictures import DARK, PROFILE, find_pictures, load_picture, load_with_notes, read_picture
from eval.pictures import PictureError
from tests.pngs import chunk, write_png

ORIENTATION = int(ExifTags.Base.Orientation)

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
    exif[ORIENTATION] = 6
    Image.fromarray(RGB).save(tmp_path / "a.jpg", exif=exif)
    assert load_picture(tmp_path / "a.jpg").shape == (7, 5, 3)


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + bytes(50)])
def test_broken_file_is_a_named_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(PictureError, match=r"a\.png"):
        load_picture(tmp_path / "a.png")


def test_broken_exif_costs_a_note_and_not_the_picture(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    Image.fromarray(RGB).save(tmp_path / "a.png", exif=exif.tobytes()[:10])
    picture = read_picture(tmp_path / "a.png")
    assert np.array_equal(picture.pixels, RGB)
    assert "not turned" in " ".join(picture.notes)


@pytest.mark.parametrize("value", ["72", (1, 2), 1.5, b"\0\xff"])
@pytest.mark.parametrize("tag", [ExifTags.Base.XResolution, ExifTags.Base.ExposureTime, ExifTags.Base.Make])
def test_odd_exif_beside_the_orientation_ends_nothing(tmp_path: Path, tag: int, value: object) -> None:
    odd = {int: 3, str: 2, tuple: 3, float: 12, bytes: 7}[type(value)]
    (tmp_path / "a.jpg").write_bytes(with_exif([(ORIENTATION, 3, 6), (tag, odd, value)]))
    assert load_picture(tmp_path / "a.jpg").shape == (7, 5, 3)


def test_orientation_behind_a_tag_that_lies_beyond_the_end_turns(tmp_path: Path) -> None:
    """Pillow takes such EXIF for empty, and only warns."""
    tags = struct.pack("<HHHLLHHLHH", 2, 271, 12, 4, 60_000, ORIENTATION, 3, 1, 6, 0)
    exif = b"Exif\0\0II\x2a\0\x08\0\0\0" + tags + bytes(4)
    Image.fromarray(RGB).save(tmp_path / "a.jpg", exif=exif)
    assert load_picture(tmp_path / "a.jpg").shape == (7, 5, 3)


@pytest.mark.parametrize(("kind", "value"), [(2, "6"), (12, 6.0), (3, 0), (3, 9), (7, b"\6")])
def test_orientation_that_is_none_turns_nothing(tmp_path: Path, kind: int, value: object) -> None:
    (tmp_path / "a.jpg").write_bytes(with_exif([(ORIENTATION, kind, value)]))
    assert load_picture(tmp_path / "a.jpg").shape == (5, 7, 3)


def with_exif(entries: list[tuple[int, int, object]]) -> bytes:
    """A JPEG whose EXIF has these tags in these TIFF types."""
    directory = ImageFileDirectory_v2(ifh=b"II\x2a\0\x08\0\0\0")
    for tag, kind, value in entries:
        directory.tagtype[tag] = kind
        directory[tag] = value
    buffer = io.BytesIO()
    exif = b"Exif\0\0II\x2a\0\x08\0\0\0" + directory.tobytes(8)
    Image.fromarray(RGB).save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


@pytest.mark.parametrize("error", [TypeError, KeyError, OverflowError, struct.error, RuntimeError, Warning])
def test_whatever_pillow_raises_costs_the_picture_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def broken(*_: object) -> None:
        raise error

    Image.fromarray(RGB).save(tmp_path / "a.png")
    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", broken)
    with pytest.raises(PictureError, match=rf"a\.png cannot be read as a picture: {error.__name__}"):
        load_picture(tmp_path / "a.png")


def test_tiff_is_turned_once(tmp_path: Path) -> None:
    Image.fromarray(RGB).save(tmp_path / "a.tif", tiffinfo={ORIENTATION: 6})
    assert np.array_equal(load_picture(tmp_path / "a.tif"), np.rot90(RGB, -1))


@pytest.mark.parametrize("name", ["a.tif", "a.bmp", "a.webp", "a.TIFF"])
def test_formats_without_loss_are_read_as_they_are(tmp_path: Path, name: str) -> None:
    Image.fromarray(RGB).save(tmp_path / name, lossless=True)
    (file,) = find_pictures(tmp_path)
    assert np.array_equal(load_picture(file), RGB)


def test_avif_is_read(tmp_path: Path) -> None:
    Image.fromarray(np.full((16, 24, 3), 100, np.uint8)).save(tmp_path / "a.avif")
    (file,) = find_pictures(tmp_path)
    assert np.abs(load_picture(file).astype(int) - 100).max() <= 2


@pytest.mark.parametrize("kind", ["EPS", "PPM", "GIF", "ICO"])
def test_other_kind_of_file_under_a_picture_name_is_not_opened(tmp_path: Path, kind: str) -> None:
    Image.fromarray(RGB).save(tmp_path / "a.png", kind)
    with pytest.raises(PictureError, match=r"a\.png"):
        load_picture(tmp_path / "a.png")


def test_colour_profile_is_told_and_changes_no_sample(tmp_path: Path) -> None:
    Image.fromarray(RGB).save(tmp_path / "a.png", icc_profile=ImageCmsProfile(createProfile("XYZ")).tobytes())
    picture = read_picture(tmp_path / "a.png")
    assert np.array_equal(picture.pixels, RGB)
    assert picture.notes == (PROFILE,)


def test_first_of_several_pictures_is_taken_and_told(tmp_path: Path) -> None:
    Image.fromarray(RGB).save(tmp_path / "a.tif", save_all=True, append_images=[Image.fromarray(255 - RGB)])
    picture = read_picture(tmp_path / "a.tif")
    assert np.array_equal(picture.pixels, RGB)
    assert picture.notes == ("it holds 2 pictures: the first is taken",)


@pytest.mark.parametrize(("sample", "dark"), [(255, True), (256, False)])
def test_sixteen_bit_samples_that_all_become_black_are_told(tmp_path: Path, sample: int, dark: bool) -> None:
    Image.fromarray(np.full((2, 2), sample, np.uint16)).save(tmp_path / "grey.png")
    line = b"\0" + 6 * sample.to_bytes(2, "big")
    for path in (tmp_path / "grey.png", write_png(tmp_path / "rgb.png", (2, 2), 2 * line, depth=16)):
        assert read_picture(path).notes == ((DARK,) if dark else ())


def write_tiff(path: Path, samples: NDArray[np.uint16], photometric: int) -> Path:
    """An uncompressed picture of 16-bit samples [H, W, C], as Pillow itself writes none."""
    height, width, channels = samples.shape
    tags = ImageFileDirectory_v2(ifh=b"II\x2a\0\x08\0\0\0")
    values = (width, height, (16,) * channels, 1, photometric, (0,), channels, height, (samples.nbytes,))
    for tag, value in zip((256, 257, 258, 259, 262, 273, 277, 278, 279), values, strict=True):
        tags[tag] = value
    head = b"II\x2a\0\x08\0\0\0"
    path.write_bytes(head + tags.tobytes(len(head)) + samples.tobytes())
    return path


@pytest.mark.parametrize("photometric", [1, 2])
def test_sixteen_bit_tiff_that_goes_black_is_told(tmp_path: Path, photometric: int) -> None:
    for sample, dark in ((255, True), (256, False)):
        samples = np.full((2, 3, 2 * photometric - 1), sample, np.uint16)
        assert read_picture(write_tiff(tmp_path / "a.tif", samples, photometric)).notes == ((DARK,) if dark else ())


def test_sixteen_bit_tiff_is_not_coded_as_its_own_negative(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match=r"a\.tif has 16-bit samples that are 0 for white"):
        read_picture(write_tiff(tmp_path / "a.tif", np.full((2, 3, 1), 300, np.uint16), 0))


@pytest.mark.parametrize(
    ("depth", "colours", "samples", "key", "hit"),
    [
        (16, 0, b"\xc1\x48\x20\0", b"\xc1\x48", True),
        (16, 0, b"\xc1\x49\x20\0", b"\xc1\x48", False),
        (16, 2, b"\x10\x01\x20\x02\x30\x03" * 2, b"\x10\x01\x20\x02\x30\x03", True),
        (16, 2, b"\x10\x01\x20\x02\x30\x03" * 2, b"\x11\x01\x20\x02\x30\x03", False),
        (4, 0, b"\x3a", b"\0\x03", True),
        (4, 0, b"\x3a", b"\0\x04", False),
        (2, 0, b"\x40", b"\0\x01", True),
        (1, 0, b"\x40", b"\0\x01", True),
        (1, 0, b"\0", b"\0\x01", False),
        (8, 0, b"\x07\x08", b"\0\x08", True),
        (8, 0, b"\x07\x09", b"\0\x08", False),
    ],
)
def test_transparent_colour_counts_at_every_depth(
    tmp_path: Path, depth: int, colours: int, samples: bytes, key: bytes, hit: bool
) -> None:
    path = write_png(tmp_path / "a.png", (2, 1), b"\0" + samples, depth, colours, extra=chunk(b"tRNS", key))
    if not hit:
        assert load_picture(path).shape == (1, 2, 3)
        return
    with pytest.raises(PictureError, match="transparent"):
        load_picture(path)


def test_png_with_too_few_rows_is_refused_and_not_completed_in_black(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match=r"a\.png is damaged: it has fewer rows"):
        load_picture(write_png(tmp_path / "a.png", (8, 8), bytes(1 + 3 * 8) * 7))


def test_picture_of_one_pixel_is_writable_for_torch(tmp_path: Path) -> None:
    for size in ((1, 1), (1, 9), (9, 1)):
        Image.new("RGB", size).save(tmp_path / "a.png")
        assert load_picture(tmp_path / "a.png").flags.writeable


def test_cut_file_is_a_named_error(tmp_path: Path) -> None:
    Image.fromarray(np.tile(RGB, (40, 40, 1))).save(tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(data[: len(data) // 2])
    with pytest.raises(PictureError):
        load_picture(tmp_path / "a.png")


def test_pipe_under_a_picture_name_neither_hangs_nor_counts(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(PictureError, match="a file belongs"):
        load_picture(tmp_path / "pipe.png")
    with pytest.raises(PictureError, match="holds no pictures"):
        find_pictures(tmp_path)


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


def test_what_is_passed_over_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a.png", "b.jfif", "c.JPE", "._a.png", ".DS_Store", "notes.txt", "\x1b[2J.heic"):
        Image.fromarray(RGB).save(tmp_path / name, "JPEG")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub.png").mkdir()
    assert [file.name for file in find_pictures(tmp_path)] == ["a.png", "b.jfif", "c.JPE"]
    expected = r"passed over: \x1b[2J.heic, .DS_Store, ._a.png, notes.txt, sub, sub.png"
    assert capsys.readouterr().err == f"note: {tmp_path}: {expected}\n"


def test_long_list_of_passed_over_files_is_cut(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    Image.fromarray(RGB).save(tmp_path / "a.png")
    for number in range(13):
        (tmp_path / f"{number:02}.txt").touch()
    find_pictures(tmp_path)
    assert caplog.messages[0].endswith("08.txt, 09.txt and 3 more")


def test_notes_name_the_picture(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(np.zeros((2, 2), np.uint16)).save(tmp_path / "a.png")
    load_with_notes(tmp_path / "a.png")
    assert caplog.messages == [f"note: {tmp_path / 'a.png'}: {DARK}"]
    assert capsys.readouterr().err == f"note: {tmp_path / 'a.png'}: {DARK}\n"
