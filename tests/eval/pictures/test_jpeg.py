from __future__ import annotations

import contextlib
import io
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image, TiffImagePlugin

from eval.pictures import PictureError, load, opened

PHOTOGRAPH = Image.fromarray(skimage.data.astronaut()[100:203, 200:331])
SCAN, END = b"\xff\xda", b"\xff\xd9"
KINDS: list[dict[str, object]] = [
    {},
    {"progressive": True},
    {"restart_marker_blocks": 7},
    {"progressive": True, "restart_marker_rows": 1},
    {"quality": 98, "subsampling": 0},
]


def jpeg(mode: str, kind: dict[str, object]) -> bytes:
    buffer = io.BytesIO()
    PHOTOGRAPH.convert(mode).save(buffer, "JPEG", **kind)
    return buffer.getvalue()


def read(path: Path, data: bytes) -> bytes:
    path.write_bytes(data)
    with opened(path) as image:
        load(path, image)
        return image.tobytes()


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_whole_jpeg_is_not_refused(tmp_path: Path, mode: str, kind: dict[str, object]) -> None:
    data = jpeg(mode, kind)
    assert read(tmp_path / "a.jpg", data) == read(tmp_path / "a.jpg", data + b"a camera's own data \xff\xd9")


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_early_end_marker_makes_no_grey_picture(tmp_path: Path, mode: str, kind: dict[str, object]) -> None:
    data = jpeg(mode, kind)
    whole, early = read(tmp_path / "a.jpg", data), 0
    for start in range(data.rindex(SCAN) + 20, len(data) - 2, 5):
        for rest in (b"", data[start:]):  # what follows is cut off, or left behind the marker
            with contextlib.suppress(PictureError):
                early += read(tmp_path / "a.jpg", data[:start] + END + rest) != whole
    assert early == 0


def test_jpeg_without_the_scans_of_a_component_is_refused(tmp_path: Path) -> None:
    grey = jpeg("L", {})
    frame = grey.index(b"\xff\xc0")
    rows = b"".join(bytes((name, 0x11, 0)) for name in (1, 2, 3))
    coloured = grey[: frame + 2] + b"\0\x11" + grey[frame + 4 : frame + 9] + b"\x03" + rows + grey[frame + 13 :]
    with pytest.raises(PictureError, match=r"a\.jpg is damaged"):
        read(tmp_path / "a.jpg", coloured)


def test_early_end_of_a_tiff_s_jpeg_strip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    PHOTOGRAPH.save(path, compression="jpeg")
    whole = path.read_bytes()
    with Image.open(path) as image:
        assert isinstance(image, TiffImagePlugin.TiffImageFile)
        (start, *_), (size, *_) = image.tag_v2[273], image.tag_v2[279]
    assert np.any(np.frombuffer(read(path, whole), np.uint8))
    cut = start + size - 300
    with pytest.raises(PictureError, match=r"a\.tif is damaged"):
        read(path, whole[:cut] + END + whole[cut + 2 :])
