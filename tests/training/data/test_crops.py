from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image

from tests.streams import damaged
from tests.training.runs import SMOKE, trainer
from training.data.crops import CropSet
from training.data.variation import draw


def test_folder_without_crops_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="--data"):
        CropSet(tmp_path, tmp_path)


def test_crops_of_any_suffix_are_found(tmp_path: Path) -> None:
    for name in ("a.jpeg", "b.PNG", "c.jpg", "d.txt"):
        (tmp_path / name).write_bytes(photograph(64))
    assert len(CropSet(tmp_path, tmp_path / "cache").crops) == 3


def test_crops_of_another_folder_are_not_taken_for_those_decoded_before(tmp_path: Path) -> None:
    for value in (10, 200):
        (tmp_path / str(value)).mkdir()
        Image.new("L", (64, 64), value).save(tmp_path / str(value) / "a.png", compress_level=0)
        assert CropSet(tmp_path / str(value), tmp_path / "cache").crops.mean() == value


def photograph(side: int) -> bytes:
    data = BytesIO()
    Image.fromarray(skimage.data.coffee()[:side, :side]).save(data, format="PNG")
    return data.getvalue()


def test_crop_of_another_size_is_refused_and_leaves_nothing_half_decoded(tmp_path: Path) -> None:
    for name, side in (("a.png", 64), ("b.png", 48)):
        (tmp_path / name).write_bytes(photograph(side))
    with pytest.raises(ValueError, match=r"b\.png is 48x48"):
        CropSet(tmp_path, tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())


def test_every_file_that_cannot_be_a_crop_is_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(photograph(64))
    (tmp_path / "b.png").write_bytes(photograph(64)[:900])
    (tmp_path / "c.jpg").write_text("no picture")
    (tmp_path / "d.png").mkdir()
    Image.new("RGB", (64, 48)).save(tmp_path / "e.png")
    with pytest.raises(ValueError, match=r"b\.png.*c\.jpg.*d\.png.*e\.png is 64x48"):
        CropSet(tmp_path, tmp_path / "cache")


def test_hidden_files_are_no_crops(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(photograph(64))
    (tmp_path / "._a.png").write_text("what another system left")
    assert len(CropSet(tmp_path, tmp_path / "cache").crops) == 1


@pytest.mark.parametrize("line", ["{", "[]", '{"file": "a.png"}', "3"])
def test_damaged_line_of_a_manifest_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "a.png").write_bytes(photograph(64))
    (tmp_path / "manifest.jsonl").write_text('{"file": "a.png", "repo": "a/b"}\n' + line)
    with pytest.raises(ValueError, match=r"manifest\.jsonl, line 2"):
        CropSet(tmp_path, tmp_path / "cache")


@pytest.mark.parametrize("size", [0, 50, 5000])
def test_damaged_cache_of_crops_is_made_anew(tmp_path: Path, size: int) -> None:
    (tmp_path / "a.png").write_bytes(photograph(64))
    before = np.array(CropSet(tmp_path, tmp_path / "cache").crops)
    (cached,) = (tmp_path / "cache").glob("*.npy")
    cached.write_bytes(cached.read_bytes()[:size])
    assert np.array_equal(CropSet(tmp_path, tmp_path / "cache").crops, before)


def test_cached_crop_that_changed_is_not_trained_on(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(photograph(64))
    before = np.array(CropSet(tmp_path, tmp_path / "cache").crops)
    (cached,) = (tmp_path / "cache").glob("*.npy")
    cached.write_bytes(damaged(cached.read_bytes(), 5000))
    assert np.array_equal(CropSet(tmp_path, tmp_path / "cache").crops, before)


def test_crops_are_cached_where_everything_else_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIC_CACHE", str(tmp_path / "elsewhere"))
    (tmp_path / "a.png").write_bytes(photograph(64))
    CropSet(tmp_path)
    assert list((tmp_path / "elsewhere/training").glob("*.npy"))


def test_crops_smaller_than_the_configuration_asks_for_are_named_before_training(
    tmp_path: Path, crops: CropSet
) -> None:
    with pytest.raises(ValueError, match=r"crop = 512, .*256x256"):
        trainer(tmp_path, crops, replace(SMOKE, crop=512))


def test_crops_stay_inside_and_repeat_with_the_seed(crops: CropSet) -> None:
    first, again = (crops.batch(np.random.default_rng(1), 4, 96) for _ in range(2))
    assert first.shape == (4, 3, 96, 96)
    assert torch.equal(first, again)
    assert 0 <= float(first.min()) < float(first.max()) <= 1


def test_crops_that_calibrate_an_export_are_varied_as_those_of_training_are(crops: CropSet) -> None:
    drawn = np.random.default_rng(1)
    drawn.integers(2**63)
    draw(drawn, 24)
    plain = crops.windows(crops.place(drawn, 24, 96), 96).float() / 255
    same = [torch.equal(*pair) for pair in zip(crops.batch(np.random.default_rng(1), 24, 96), plain, strict=True)]
    assert 0 < sum(same) < len(same)
