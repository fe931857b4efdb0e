"""Readers of files that others may replace: a pipe, a socket or a device in their place would never end."""

from __future__ import annotations

import os
import shutil
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from decoder_pkg.errors import WeightsError
from encoder.models import load_zoo
from encoder.models.manifest import read_encoder_manifest
from encoder.pictures import load_picture
from eval.pictures import PictureError
from eval.storage import is_sealed, load_rows, seal
from submission.package.dist import read_written
from submission.package.freeze import FrozenDecoder, read_lock
from tests.paths import GOLDEN
from training.config import load_config
from training.data.crops import _repositories
from training.export.manifests import NewModel, check_rows
from training.export.trained import read_origin
from training.log import read_rows
from training.run_folder import exclusive, read_checkpoint

SECONDS = 5


class Hangs(BaseException):
    """A reader waits for what never comes."""


@pytest.fixture(autouse=True)
def alarm() -> Iterator[None]:
    def ring(*_: object) -> None:
        raise Hangs

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind(str(path))


NODES: dict[str, Callable[[Path], object]] = {
    "pipe": os.mkfifo,
    "socket": make_socket,
    "device": lambda path: path.symlink_to("/dev/zero"),
}


def use_lock(path: Path) -> None:
    with exclusive(path.parent):
        pass


def check_new_model(path: Path) -> None:
    check_rows(path.parent, NewModel(1, "a", "a.safetensors", None, {}))


def read_analysis(path: Path) -> object:
    for part in ("decoder", "encoder"):
        shutil.copytree(GOLDEN / part, path.parent / part)
    weights = path.parent / "encoder" / "smoke.safetensors"
    weights.unlink()
    path.rename(weights)
    return [model.file for model in load_zoo(path.parent / "decoder", path.parent / "encoder").models.values()]


READERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "configuration": ("run.toml", load_config),
    "checkpoint": ("checkpoint.pt", lambda path: read_checkpoint(path.parent)),
    "origin": ("origin.json", lambda path: read_origin(path.parent)),
    "log": ("log.csv", read_rows),
    "lock of a run": (".lock", use_lock),
    "manifest of crops": ("manifest.jsonl", _repositories),
    "encoder's manifest": ("manifest.json", lambda path: read_encoder_manifest(path.parent)),
    "manifest that a model joins": ("manifest.json", check_new_model),
    "encoder's weights": ("weights", read_analysis),
    "picture": ("photo.png", load_picture),
    "record of a frozen decoder": ("lock.json", read_lock),
}


@pytest.mark.parametrize("node", NODES)
@pytest.mark.parametrize("reader", READERS)
def test_what_is_no_file_is_refused_by_its_name(tmp_path: Path, reader: str, node: str) -> None:
    name, read = READERS[reader]
    NODES[node](tmp_path / name)
    with pytest.raises(
        (OSError, WeightsError, PictureError, FrozenDecoder), match=r"no plain file|a file belongs|give the name"
    ) as raised:
        read(tmp_path / name)
    assert name in str(raised.value) or reader == "encoder's weights"


@pytest.mark.parametrize("node", NODES)
def test_what_is_no_file_is_not_believed_in_a_cache_or_a_list(tmp_path: Path, node: str) -> None:
    (tmp_path / "whole").write_bytes(b"data")
    seal(tmp_path / "whole")
    (tmp_path / "whole").unlink()
    for name in ("rows.json", "whole", "other.sha256", ".written.json"):
        NODES[node](tmp_path / name)
    (tmp_path / "other").write_bytes(b"data")
    assert load_rows(tmp_path / "rows.json") is None
    assert not is_sealed(tmp_path / "whole")
    assert not is_sealed(tmp_path / "other")
    assert read_written(tmp_path) == {}
