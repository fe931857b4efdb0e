from __future__ import annotations

from pathlib import Path

import pytest

from training.export.manifests import NewModel, check_rows
from training.export.trained import ExportError

MODEL = NewModel(3, "m", "m.safetensors", None, {})


@pytest.mark.parametrize(
    "content", ["", "3", "[]", "{}", '{"models": 3, "filters": []}', '{"models": [{}], "filters": []}', "[" * 10**5]
)
def test_damaged_manifest_is_named_before_the_export(tmp_path: Path, content: str) -> None:
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(ExportError, match=r"manifest\.json is damaged"):
        check_rows(tmp_path, MODEL)


def test_first_model_of_a_folder_needs_no_manifest(tmp_path: Path) -> None:
    check_rows(tmp_path, MODEL)
