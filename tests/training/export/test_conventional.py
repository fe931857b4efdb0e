from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from encoder.models import load_zoo, weight_folders
from tests.paths import GOLDEN
from training.export import ExportError
from training.export.conventional import add_conventional


def test_codec_without_tensors_joins_weights_and_is_the_shipped_one(tmp_path: Path) -> None:
    """Else the shipped row could not be made again."""
    folders = tmp_path / "decoder", tmp_path / "encoder"
    add_conventional(*folders, 8, "av1")
    zoo = load_zoo(*folders)
    assert zoo.models[8].conventional
    assert zoo.models[8].digest == load_zoo(*weight_folders()).models[8].digest
    before = [path.read_bytes() for folder in folders for path in sorted(folder.iterdir())]
    add_conventional(*folders, 8, "av1")
    assert before == [path.read_bytes() for folder in folders for path in sorted(folder.iterdir())]


def test_id_of_another_model_is_not_taken(golden_copy: tuple[Path, Path]) -> None:
    with pytest.raises(ExportError, match="model 7 is smoke"):
        add_conventional(*golden_copy, 7, "av1")


@pytest.fixture
def golden_copy(tmp_path: Path) -> tuple[Path, Path]:
    for half in ("decoder", "encoder"):
        shutil.copytree(GOLDEN / half, tmp_path / half)
    return tmp_path / "decoder", tmp_path / "encoder"
