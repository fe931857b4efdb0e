from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from decoder_pkg import server
from decoder_pkg.__main__ import main
from decoder_pkg.decoder import decode_archive
from encoder.candidates import pack_archive
from encoder.codecs import coding_setting
from encoder.coding import AnalysedPicture
from encoder.models import Zoo
from submission.package.decoder_zip import ENTRY_SCRIPT
from tests.golden.make import STREAM
from tests.paths import GOLDEN, ROOT
from tests.streams import archive_of, damaged


def run_cli(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "decoder_pkg", *map(str, arguments), "--weights", str(GOLDEN / "decoder")]
    return subprocess.run(command, capture_output=True, text=True, cwd=GOLDEN.parents[1])


def test_command_line_names_the_error_and_leaves_no_picture(tmp_path: Path, golden_stream: bytes) -> None:
    (tmp_path / "cut.clc").write_bytes(golden_stream[:-5])
    result = run_cli(tmp_path / "cut.clc", "-o", tmp_path / "out")
    assert result.returncode == 1
    assert "TruncatedArchive" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "out").exists()


def test_command_line_decodes_the_rest_of_a_damaged_set(tmp_path: Path, golden_stream: bytes) -> None:
    (tmp_path / "set.clc").write_bytes(damaged(golden_stream, len(golden_stream) - 1))
    result = run_cli(tmp_path / "set.clc", "-o", tmp_path / "out")
    assert result.returncode == 1
    assert "rocket: PayloadChecksum" in result.stderr
    assert len(list((tmp_path / "out").glob("*.png"))) == 3
    assert not list((tmp_path / "out").glob(".*"))


@pytest.mark.parametrize("words", [["", "-o", "x"], ["a.clc", "-o", ""], ["a.clc", "-o", "x", "--weights="]])
def test_empty_path_does_not_mean_this_folder(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["decoder_pkg", *words])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    assert "it is empty: give a path" in capsys.readouterr().err


def test_path_that_no_system_takes_is_named(tmp_path: Path) -> None:
    result = run_cli("x" * 300, "-o", tmp_path / "out")
    assert result.returncode == 1
    assert "File name too long" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("swap", [False, True], ids=["log in a file", "log in a pipe"])
def test_server_call_works_wherever_its_log_goes(tmp_path: Path, swap: bool) -> None:
    code = "import sys; from decoder_pkg.server import main; sys.exit(main())"
    with (tmp_path / "log").open("w") as log:
        out, err = (subprocess.PIPE, log) if swap else (log, subprocess.PIPE)
        environment = os.environ | {"PYTHONPATH": str(GOLDEN.parents[1])}
        result = subprocess.run(
            [sys.executable, "-c", code], text=True, cwd=tmp_path, env=environment, stdout=out, stderr=err
        )
    shown = result.stdout if swap else (tmp_path / "log").read_text()
    assert result.returncode == 1
    assert shown.startswith("MissingInput")
    assert "Traceback" not in shown


def test_many_pictures_do_not_overwrite_each_other(tmp_path: Path) -> None:
    result = run_cli(GOLDEN / STREAM, "-o", tmp_path / "one.png")
    assert result.returncode == 1
    assert "folder" in result.stderr


@pytest.fixture
def single(tmp_path: Path, golden_zoo: Zoo, photo: np.ndarray) -> Path:
    """A stream of one picture, named a."""
    candidate, _ = AnalysedPicture(photo[:40, :60], golden_zoo.models[7]).encode(coding_setting(24, 128))
    path = tmp_path / "streams" / "a.CLC"
    path.parent.mkdir()
    path.write_bytes(pack_archive(golden_zoo.bundle, [candidate.entry("a")]))
    return path


def test_suffixes_may_have_any_case(tmp_path: Path, single: Path) -> None:
    assert run_cli(single, "-o", tmp_path / "x.PNG").returncode == 0
    assert (tmp_path / "x.PNG").is_file()
    assert run_cli(single.parent, "-o", tmp_path / "out").returncode == 0
    assert (tmp_path / "out" / "a.png").is_file()


@pytest.mark.parametrize("folder", [False, True], ids=["stream", "folder of streams"])
def test_picture_beside_its_stream_is_never_overwritten(single: Path, folder: bool) -> None:
    (single.parent / "a.png").write_text("the original")
    result = run_cli(single.parent if folder else single, "-o", single.parent)
    assert result.returncode == 1
    assert "give another output" in result.stderr
    assert (single.parent / "a.png").read_text() == "the original"


def test_picture_takes_the_place_of_no_stream_and_no_pipe(tmp_path: Path, single: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "link.png").symlink_to(single)
    before = single.read_bytes()
    for name in ("pipe.png", "link.png"):
        assert run_cli(single, "-o", tmp_path / name).returncode == 1
    assert (tmp_path / "pipe.png").is_fifo()
    assert single.read_bytes() == before


def test_decoded_picture_is_what_the_encoder_measured(golden_zoo: Zoo, photo: np.ndarray) -> None:
    candidate, pixels = AnalysedPicture(photo, golden_zoo.models[7]).encode(coding_setting(24, 128))
    (result,) = decode_archive(golden_zoo.bundle, archive_of(golden_zoo.bundle, candidate.entry("a")))
    assert result.pixels is not None
    assert np.array_equal(result.pixels, pixels)


INTERRUPTED_NUMPY = """
import os, signal, time
try:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(5)
except KeyboardInterrupt:  # as libraries do
    raise ImportError("numpy is broken")
"""


@pytest.mark.parametrize("entry", ["package", "./decode"])
def test_interrupt_of_the_imports_is_one_line(tmp_path: Path, entry: str) -> None:
    (tmp_path / "numpy.py").write_text(INTERRUPTED_NUMPY)
    (tmp_path / "decode").write_text(ENTRY_SCRIPT)
    (tmp_path / "decoder_pkg").symlink_to(ROOT / "decoder_pkg")
    words = ["decode"] if entry == "./decode" else ["-m", "decoder_pkg", "a.clc", "-o", "a.png"]
    result = subprocess.run([sys.executable, *words], capture_output=True, text=True, cwd=tmp_path)
    assert (result.returncode, result.stderr) == (130, "interrupted\n")


def test_interrupt_of_the_server_s_call_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(server, "decode_server", interrupted)
        patch.setattr(server, "load_bundle", lambda: None)
        patch.setattr(os, "dup2", lambda *_: None)
        code = server.main()
    assert code == 130
    assert capsys.readouterr().out == "interrupted\n"
