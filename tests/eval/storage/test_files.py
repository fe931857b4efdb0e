from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from eval.storage import OutputError, check_folder, check_output, locked, replacing, write_atomically

ROOT = Path(__file__).parents[3]


def make_loop(path: Path) -> None:
    path.symlink_to(path.name)


WRITERS = re.compile(
    r"\.write_text\(|\.write_bytes\(|copyfile\(|\.to_csv\((?!index|partial)|(?<!partial\.)open\(\"[wx]"
)


def test_no_module_writes_past_the_one_that_checks() -> None:
    packages = ("encoder", "eval", "rate_control", "submission", "training")
    files = [path for package in packages for path in (ROOT / package).rglob("*.py")]
    found = {path.relative_to(ROOT).as_posix() for path in files if WRITERS.search(path.read_text())}
    assert found == {"eval/storage/files.py"}


NO_FILES: dict[str, Callable[[Path], object]] = {"folder": Path.mkdir, "pipe": os.mkfifo, "loop of links": make_loop}


@pytest.mark.parametrize("make", NO_FILES.values(), ids=NO_FILES)
def test_what_is_no_file_is_never_replaced_by_one(tmp_path: Path, make: Callable[[Path], object]) -> None:
    path = tmp_path / "output"
    make(path)
    before = path.lstat()
    with pytest.raises(OutputError, match="output"):
        write_atomically(path, b"data")
    assert os.path.samestat(before, path.lstat())
    assert [entry.name for entry in tmp_path.iterdir()] == ["output"]


def test_device_is_never_replaced_by_a_file() -> None:
    with pytest.raises(OutputError, match="device"):
        write_atomically(Path("/dev/null"), b"data")
    assert Path("/dev/null").is_char_device()


LINKS: dict[str, Callable[[Path, Path], object]] = {
    "itself": lambda _path, _file: None,
    "hard link": lambda path, file: path.hardlink_to(file),
    "link": lambda path, file: path.symlink_to(file),
}


@pytest.mark.parametrize("kind", LINKS)
def test_input_is_refused_as_output_under_any_of_its_names(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "input"
    file.write_bytes(b"data")
    path = file if kind == "itself" else tmp_path / "other"
    LINKS[kind](path, file)
    with pytest.raises(OutputError, match="is the input"):
        check_output(path, tmp_path / "another", file)


def test_folder_that_is_read_is_refused_for_output(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    with pytest.raises(OutputError, match="is the input"):
        check_folder(tmp_path / "x" / "..", tmp_path)


def test_file_is_no_folder_for_output(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("mine")
    with pytest.raises(OutputError, match="is no folder"):
        check_folder(tmp_path / "x")
    assert (tmp_path / "x").read_text() == "mine"


def test_link_stays_and_what_it_leads_to_is_written(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "file")
    for data in (b"1", b"2"):
        write_atomically(tmp_path / "link", data)
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "file").read_bytes() == data


def test_longest_name_can_be_written(tmp_path: Path) -> None:
    write_atomically(tmp_path / ("x" * 255), b"data")
    assert (tmp_path / ("x" * 255)).read_bytes() == b"data"


def test_failed_write_leaves_the_old_file_and_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_atomically(tmp_path / "a", b"old")

    def full(path: Path, data: bytes) -> int:
        path.touch()
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space") as raised:
        write_atomically(tmp_path / "a", b"new")
    assert raised.value.filename == str(tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("named", [True, False])
def test_disk_that_is_full_is_told_by_the_name_that_people_know(tmp_path: Path, named: bool) -> None:
    with pytest.raises(OSError, match="No space") as raised, replacing(tmp_path / "a") as partial:
        raise OSError(28, "No space left on device", partial) if named else OSError(28, "No space left on device")
    assert "None" not in str(raised.value)
    assert raised.value.filename == str(tmp_path / "a")


def test_place_where_nothing_can_be_written_is_found_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, _: path != tmp_path)  # as of a file system that is read only
    (tmp_path / "folder").mkdir()
    for check, path in ((check_output, tmp_path / "x" / "y"), (check_folder, tmp_path)):
        with pytest.raises(OutputError, match=f"nothing can be written in {tmp_path}"):
            check(path)
    check_output(tmp_path / "folder" / "file")
    check_folder(tmp_path / "folder")


COUNT = """
import sys
from pathlib import Path
from eval.storage import locked, write_atomically
path = Path(sys.argv[1])
for _ in range(200):
    with locked(path):
        write_atomically(path, str(int(path.read_text() or 0) + 1).encode())
"""


def test_two_processes_that_replace_one_file_lose_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", COUNT, str(tmp_path / "count")]
    runs = [subprocess.Popen(command, cwd=ROOT) for _ in range(2)]
    assert [run.wait() for run in runs] == [0, 0]
    assert (tmp_path / "count").read_text() == "400"


def test_folder_or_pipe_is_no_file_to_lock(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OutputError), locked(tmp_path / "pipe"):
        pass
