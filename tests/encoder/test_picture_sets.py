from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from encoder.pictures import check_set, find_pictures, find_set
from eval.pictures import PictureError


@pytest.mark.parametrize(("name", "limit", "text"), [("MAX_IMAGES", 1, "2 pictures"), ("MAX_SET_PIXELS", 69, "70 pix")])
def test_set_that_no_stream_holds_is_refused_by_its_headers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, limit: int, text: str
) -> None:
    for stem in "ab":
        Image.new("RGB", (7, 5)).save(tmp_path / f"{stem}.png")
    files = find_pictures(tmp_path)
    check_set(files)
    monkeypatch.setattr(f"encoder.pictures.{name}", limit)
    with pytest.raises(PictureError, match=text):
        check_set(files)
    with pytest.raises(PictureError, match=text):
        find_set(tmp_path)
