"""Files that are no checkpoint are refused by name, whatever they hold."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch

from training.compressai import CheckpointError, read_state


class Harmful:
    def __reduce__(self) -> Any:
        return exec, ("raise SystemExit",)


def refused(path: Path, why: str) -> None:
    with pytest.raises(CheckpointError, match=why) as caught:
        read_state(path)
    assert str(path) in str(caught.value)
    assert "give it a file" in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no checkpoint at all", pickle.dumps({"a": 1}, 2)[:-3]])
def test_file_of_another_kind_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.pth").write_bytes(content)
    refused(tmp_path / "x.pth", "damaged")


@pytest.mark.parametrize("legacy", [False, True])
def test_code_in_a_checkpoint_is_not_run(tmp_path: Path, legacy: bool) -> None:
    path = tmp_path / "x.pth"
    torch.save({"state_dict": Harmful()}, path, _use_new_zipfile_serialization=not legacy)
    refused(path, "damaged, or holds other things")


@pytest.mark.parametrize("content", [[1], {}, {"state_dict": 3}, {"a": 1}, {1: torch.zeros(1)}, torch.zeros(2)])
def test_file_without_tensors_by_name_is_refused(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "x.pth")
    refused(tmp_path / "x.pth", "no state dict|not tensors by name")


def test_cut_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.pth"
    torch.save({"a": torch.zeros(100)}, path)
    whole = path.read_bytes()
    for cut in range(0, len(whole), 97):
        path.write_bytes(whole[:cut])
        refused(path, "damaged")


def test_checkpoint_beyond_the_limit_is_refused_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.pth"
    torch.save({"a": torch.zeros(1000)}, path)
    monkeypatch.setattr("training.compressai.checkpoint.MAX_CHECKPOINT_BYTES", 1000)
    refused(path, "more than 1000 bytes")
