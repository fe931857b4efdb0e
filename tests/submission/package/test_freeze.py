from __future__ import annotations

import hashlib
import shutil
from importlib import import_module
from pathlib import Path

import pytest

from decoder_pkg.models import MANIFEST
from submission.package import decoder_zip
from submission.package import pack as build
from submission.package.decoder_zip import WHEELS, build_decoder_zip
from submission.package.freeze import FrozenDecoder, check_frozen, freeze, record
from submission.package.pack import pack_decoder
from tests.paths import GOLDEN, ROOT
from training.export.manifests import NewModel, update_manifests
from training.export.trained import TrainingRecord

FREEZE = import_module("submission.package.freeze")
"""The module: its package offers the function under the same name."""


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the decoder's sources and golden weights, from which the package is built; the lock file beside it."""
    folder = tmp_path / "decoder_pkg"
    shutil.copytree(ROOT / "decoder_pkg", folder, ignore=shutil.ignore_patterns("weights", "__pycache__"))
    shutil.copytree(GOLDEN / "decoder", folder / "weights")
    monkeypatch.setattr(decoder_zip, "PACKAGE", folder)
    for module in (build, FREEZE):
        monkeypatch.setattr(
            module,
            "build_decoder_zip",
            lambda _weights: build_decoder_zip(folder / "weights", ROOT / WHEELS),
            raising=True,
        )
    monkeypatch.setattr(build, "LOCK", tmp_path / "lock.json")
    return folder


def frozen(dist: Path) -> str:
    pack_decoder(dist)
    return freeze(dist, dist.parent / "lock.json")


def test_frozen_decoder_is_built_again_and_again(sources: Path, tmp_path: Path) -> None:
    digest = frozen(tmp_path / "dist")
    assert pack_decoder(tmp_path / "dist").sha256 == digest
    assert frozen(tmp_path / "dist") == digest


def test_changed_new_and_missing_files_are_named_and_nothing_is_written(sources: Path, tmp_path: Path) -> None:
    frozen(tmp_path / "dist")
    before = (tmp_path / "dist/decoder.zip").read_bytes()
    with (sources / "pixels/render.py").open("a") as file:
        file.write("# another\n")
    (sources / "more.py").write_text("")
    (sources / "pixels/tiles.py").unlink()
    with pytest.raises(FrozenDecoder) as caught:
        pack_decoder(tmp_path / "dist")
    for line in (
        "decoder_pkg/pixels/render.py: changed",
        "decoder_pkg/more.py: new",
        "decoder_pkg/pixels/tiles.py: gone",
    ):
        assert line in str(caught.value)
    assert str(caught.value).count("decoder_pkg/") == 3
    assert (tmp_path / "dist/decoder.zip").read_bytes() == before


def test_fact_that_only_the_encoder_needs_leaves_the_frozen_decoder_as_it_is(sources: Path, tmp_path: Path) -> None:
    digest = frozen(tmp_path / "dist")
    folders = sources / "weights", tmp_path / "encoder"
    shutil.copytree(GOLDEN / "encoder", folders[1])
    record: TrainingRecord = {
        "iterations": 9,
        "hours": 2.5,
        "gains": [3, 17],
        "distortion": "ms-ssim",
        "licence": "none",
    }
    update_manifests(*folders, NewModel(7, "another name", "smoke.safetensors", None, record))
    assert (folders[1] / MANIFEST).read_bytes() != (GOLDEN / "encoder" / MANIFEST).read_bytes()
    assert pack_decoder(tmp_path / "dist").sha256 == digest


def test_other_compression_of_the_same_files_is_told(sources: Path, tmp_path: Path) -> None:
    frozen(tmp_path / "dist")
    package = build_decoder_zip(sources / "weights", ROOT / WHEELS).data
    lock = tmp_path / "lock.json"
    lock.write_text(lock.read_text().replace(hashlib.sha256(package).hexdigest(), "0" * 64))
    with pytest.raises(FrozenDecoder, match="zlib"):
        check_frozen(package, lock)


def test_decoder_that_the_sources_do_not_give_is_not_frozen(sources: Path, tmp_path: Path) -> None:
    pack_decoder(tmp_path / "dist")
    (sources / "more.py").write_text("")
    with pytest.raises(FrozenDecoder, match="make submission"):
        freeze(tmp_path / "dist", tmp_path / "lock.json")
    assert not (tmp_path / "lock.json").exists()


def test_second_freeze_does_not_replace_the_first(sources: Path, tmp_path: Path) -> None:
    frozen(tmp_path / "dist")
    lock = (tmp_path / "lock.json").read_bytes()
    (sources / "more.py").write_text("")
    (tmp_path / "dist/decoder.zip").write_bytes(build_decoder_zip(sources / "weights", ROOT / WHEELS).data)
    with pytest.raises(FrozenDecoder, match=r"more\.py: new"):
        freeze(tmp_path / "dist", tmp_path / "lock.json")
    assert (tmp_path / "lock.json").read_bytes() == lock


DAMAGED = ["", "{}", "[]", '{"sha256": 1, "members": {}}', '{"sha256": "0", "members": []}', "[" * 10**5]


@pytest.mark.parametrize("text", DAMAGED, ids=range(len(DAMAGED)))
def test_damaged_record_does_not_unfreeze(sources: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "lock.json").write_text(text)
    with pytest.raises(FrozenDecoder, match="damaged"):
        pack_decoder(tmp_path / "dist")


def test_record_names_every_member(sources: Path) -> None:
    package = build_decoder_zip(sources / "weights", ROOT / WHEELS).data
    for name in ("decode", "decoder_pkg/pixels/render.py", "decoder_pkg/weights/smoke.safetensors"):
        assert f'"{name}"' in record(package)
