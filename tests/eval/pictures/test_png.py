from __future__ import annotations

import random
import zlib
from pathlib import Path

import pytest
from PIL import Image

from eval.pictures.png import is_whole, png_header
from tests.pngs import chunk, write_png


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 9), (9, 1), (3, 5), (8, 8), (17, 33)])
@pytest.mark.parametrize(("depth", "colours"), [(1, 0), (2, 0), (4, 3), (8, 2), (8, 6), (16, 4), (16, 2)])
@pytest.mark.parametrize("interlaced", [False, True])
def test_one_byte_too_few_is_found_in_every_layout(
    tmp_path: Path, width: int, height: int, depth: int, colours: int, interlaced: bool
) -> None:
    size, layout = (width, height), (depth, colours, interlaced)
    header = png_header(write_png(tmp_path / "a.png", size, b"", *layout))
    assert not is_whole(write_png(tmp_path / "a.png", size, bytes(header.scanline_bytes - 1), *layout))
    assert is_whole(write_png(tmp_path / "a.png", size, bytes(header.scanline_bytes), *layout))
    assert is_whole(write_png(tmp_path / "a.png", size, bytes(header.scanline_bytes + 1), *layout))


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "I;16"])
def test_what_pillow_writes_is_whole(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "a.png"
    Image.new(mode, (37, 21)).save(path)
    assert is_whole(path)
    assert png_header(path).scanline_bytes == len(zlib.decompress(_compressed(path.read_bytes())))


def _compressed(data: bytes) -> bytes:
    start = data.index(b"IDAT")
    return data[start + 4 : start + 4 + int.from_bytes(data[start - 4 : start], "big")]


def test_data_in_many_chunks_is_put_together(tmp_path: Path) -> None:
    pixels = random.Random(1).randbytes(3 * 40 * 30)
    Image.frombytes("RGB", (40, 30), pixels).save(tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    start, packed = data.index(b"IDAT") - 4, _compressed(data)
    parts = [chunk(b"IDAT", packed[at : at + 100]) for at in range(0, len(packed), 100)]
    (tmp_path / "b.png").write_bytes(data[:start] + b"".join(parts) + chunk(b"IEND", b""))
    assert is_whole(tmp_path / "b.png")
    (tmp_path / "b.png").write_bytes(data[:start] + b"".join(parts[:-1]) + chunk(b"IEND", b""))
    assert not is_whole(tmp_path / "b.png")


def test_data_without_end_is_not_unpacked_to_its_end(tmp_path: Path) -> None:
    """A bomb: a thousand times more than the header promises is never held, nor looked at."""
    path = write_png(tmp_path / "a.png", (1, 1), bytes(10**8))
    assert is_whole(path)


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n", bytes(40), b"\xff\xd8" * 30])
def test_file_of_another_kind_is_no_png(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(ValueError, match="no PNG"):
        png_header(tmp_path / "a.png")


@pytest.mark.parametrize(("size", "colours", "expected"), [((1, 1), 0, 2), ((3, 2), 0, 10), ((8, 8), 2, 207)])
def test_passes_of_an_interlaced_picture_are_counted_one_by_one(
    tmp_path: Path, size: tuple[int, int], colours: int, expected: int
) -> None:
    path = write_png(tmp_path / "a.png", size, bytes(expected), 8, colours, interlaced=True)
    assert png_header(path).scanline_bytes == expected
    with Image.open(path) as image:
        image.load()
