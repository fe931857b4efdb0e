from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from eval.command_line import call_module
from eval.storage import cache_folder, cache_limit, empty_cache, limited_cache, load_rows, save_rows, seal

ROWS = ["x" * 1000]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache with six files, each an hour younger than the one before it; the limit is that of three."""
    monkeypatch.setenv("CLIC_CACHE", str(tmp_path / "cache"))
    for number in range(6):
        path = named(number)
        save_rows(path, ROWS)
        used = time.time() - 3600 * (6 - number)
        os.utime(path, (used, used))
    monkeypatch.setenv("CLIC_CACHE_LIMIT", str(3 * named(0).stat().st_size))
    return tmp_path / "cache"


def named(number: int) -> Path:
    name = hashlib.sha256(bytes([number])).hexdigest()[:32]
    return cache_folder(("encodings", "baselines")[number % 2]) / f"{name}.json"


def left() -> list[int]:
    return [number for number in range(12) if named(number).exists()]


def foreign(cache: Path) -> Mapping[Path, bytes]:
    """Files of others, and what must stay beside the cache proper."""
    like_ours = "0123456789abcdef" * 2 + ".json"
    names = ["encodings/notes.txt", f"encodings/{like_ours}", "baselines/a.json", "baselines/.1-0000000a.partial"]
    names += ["wheels/constriction.whl", "container/.ready", f"container/bin/{like_ours}", like_ours, "training/a.npy"]
    files = {cache / name: name.encode() for name in names}
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (time.time() - 3600 * 9,) * 2)
    (cache / "encodings" / ("f" * 32 + ".json")).symlink_to(cache / like_ours)
    (cache / "linked").mkdir()
    elsewhere = cache.parent / named(0).name
    save_rows(elsewhere, ROWS)
    os.utime(elsewhere, (time.time() - 3600 * 9,) * 2)
    (cache / "linked" / named(0).name).symlink_to(elsewhere)
    return files


def test_what_was_not_used_the_longest_goes_first(cache: Path) -> None:
    assert load_rows(named(1)) == ROWS
    with limited_cache():
        pass
    assert left() == [1, 4, 5]


def test_use_is_noted_where_the_file_system_notes_none(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noted = []
    monkeypatch.setattr("eval.storage.caches.os.utime", lambda path, ns: noted.append(path))
    load_rows(named(1))
    assert noted == [named(1)]


def test_what_the_run_wrote_or_read_stays_whatever_it_takes(cache: Path) -> None:
    with limited_cache():
        for number in (0, 2, 3):
            load_rows(named(number))
        for number in (6, 7):
            save_rows(named(number), ROWS)
    assert left() == [0, 2, 3, 6, 7]


def test_cache_within_its_limit_is_left_alone(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLIC_CACHE_LIMIT")
    with limited_cache():
        pass
    assert left() == [*range(6)]


def test_run_that_fails_keeps_the_limit_too(cache: Path) -> None:
    with pytest.raises(KeyboardInterrupt), limited_cache():
        raise KeyboardInterrupt
    assert left() == [3, 4, 5]


def test_files_of_others_stay(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = foreign(cache)
    monkeypatch.setenv("CLIC_CACHE_LIMIT", "0")
    with limited_cache():
        pass
    assert left() == []
    for number in range(6):
        save_rows(named(number), ROWS)
    assert empty_cache()[0] == 6
    assert left() == []
    assert {path: path.read_bytes() for path in files} == dict(files)
    assert (cache / "encodings" / ("f" * 32 + ".json")).is_symlink()
    assert (cache / "linked" / named(0).name).is_symlink()


def test_clean_cache_removes_sealed_and_forsaken_files_too(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    crops = cache_folder("training") / "crops.npy"
    crops.write_bytes(b"crops")
    seal(crops)
    forsaken = cache / "encodings" / ".123-0000000a.partial"
    forsaken.write_bytes(b"half")
    os.utime(forsaken, (0, 0))
    changed = cache_folder("training") / "other.npy"
    changed.write_bytes(b"one")
    seal(changed)
    changed.write_bytes(b"two")
    assert call_module("clean-cache", "submission.commands.clean_cache", []) == 0
    assert "removed 9 files" in capsys.readouterr().out
    assert {path.name for path in cache.rglob("*") if path.is_file()} == {"other.npy", "other.npy.sha256"}


@pytest.mark.parametrize(("text", "size"), [("", 2 * 10**9), ("500", 500), ("3 kB", 3000), ("20MB", 2 * 10**7)])
def test_limit_is_a_number_of_bytes(text: str, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIC_CACHE_LIMIT", text)
    assert cache_limit() == size


@pytest.mark.parametrize("text", ["much", "-1", "1e9", "2 XB", "1" * 99, "2GB\n", "²"])
def test_limit_that_is_none_ends_a_run_before_its_work(
    text: str, cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CLIC_CACHE_LIMIT", text)
    assert call_module("clean-cache", "submission.commands.clean_cache", []) == 1
    assert "CLIC_CACHE_LIMIT" in capsys.readouterr().err
    assert left() == [*range(6)]
