"""The rehearsal must fail where the server would, and say why."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from decoder_pkg.commands import read_stream
from decoder_pkg.errors import UnsafePath
from eval.storage import cache_folder
from submission.package.zips import build_zip
from submission.rehearsal import run as rehearsal
from submission.rehearsal.isolation import ISOLATED
from submission.rehearsal.report import conditions, time_report, timing
from submission.rehearsal.run import Rehearsal, rehearse
from submission.rehearsal.target import LOGS, RehearsalError, rehearse_target
from submission.seasons import Season, season
from tests.paths import ROOT

RULES = replace(season(2021), memory_bytes=None)
HEAD = "#!/usr/bin/env python3\n"


def run(tmp_path: Path, script: str, rules: Season = RULES, concealed: Sequence[Path] = ()) -> Rehearsal:
    """Rehearses a decoder that is this script, on data of one byte."""
    (tmp_path / "decoder.zip").write_bytes(build_zip({"decode": (HEAD + script).encode()}, frozenset({"decode"})))
    (tmp_path / "data.zip").write_bytes(b"x")
    with rehearse(tmp_path / "decoder.zip", tmp_path / "data.zip", rules, concealed) as result:
        return result


def test_folder_holds_the_two_zips_content_and_nothing_else(tmp_path: Path) -> None:
    result = run(tmp_path, "import os; print(sorted(os.listdir()), os.environ.get('PYTHONPATH'))")
    assert result.log == "['bs.zip', 'decode'] None\n"
    assert result.failure is None
    assert not result.folder.exists()


def test_data_has_the_name_of_the_season(tmp_path: Path) -> None:
    assert "valout.zip" in run(tmp_path, "import os; print(os.listdir())", season(2020)).log


def test_endless_decoder_is_stopped_at_the_time_limit(tmp_path: Path) -> None:
    script = "import subprocess\nprint('began', flush=True)\nsubprocess.run(['sleep', '999'])"
    result = run(tmp_path, script, replace(RULES, seconds=2))
    assert result.failure == "./decode was stopped after 2 s, the time limit of 2021"
    assert result.log == "began\n"


def test_decoder_beyond_the_memory_limit_fails(tmp_path: Path) -> None:
    rules = replace(RULES, memory_bytes=10**9)
    assert run(tmp_path, "bytearray(10**8)", rules).failure is None
    result = run(tmp_path, "bytearray(10**9)", rules)
    assert result.failure is not None
    assert "MemoryError" in result.failure


def test_decoder_gets_the_season_s_cpus(tmp_path: Path) -> None:
    assert run(tmp_path, "import os; print(len(os.sched_getaffinity(0)))", replace(RULES, cpus=1)).log == "1\n"


isolated = pytest.mark.skipif(
    subprocess.run([*ISOLATED, "--mount-proc", "true"], capture_output=True).returncode != 0,
    reason="this system does not let a process be isolated",
)


@isolated
def test_network_is_cut(tmp_path: Path) -> None:
    script = "import socket; print([name for _, name in socket.if_nameindex() if name != 'lo'])"
    result = run(tmp_path, script)
    assert (result.log, result.isolated) == ("[]\n", True)


@isolated
@pytest.mark.parametrize("trick", ["", "umount {0}", "unshare --user --map-root-user --mount umount {0}"])
def test_originals_are_out_of_the_decoder_s_reach(tmp_path: Path, trick: str) -> None:
    (tmp_path / "originals").mkdir()
    (tmp_path / "originals/a.png").write_bytes(b"x")
    folder = str(tmp_path / "originals")
    script = f"import os, subprocess\nos.system({trick.format(folder)!r})\nprint(os.listdir({folder!r}))"
    result = run(tmp_path, script, concealed=[tmp_path / "originals"])
    assert result.log == "[]\n"
    assert (tmp_path / "originals/a.png").exists()


@isolated
def test_decoder_sees_no_process_but_its_own(tmp_path: Path) -> None:
    script = "import os; print(sorted(int(name) for name in os.listdir('/proc') if name.isdigit()) == [1, os.getpid()])"
    assert run(tmp_path, script).log == "True\n"
    script = "open('/proc/1/mem', 'rb')"
    assert "PermissionError" in run(tmp_path, script).hidden


@isolated
def test_decoder_writes_nowhere_but_in_its_folder_and_the_temporary_ones(tmp_path: Path) -> None:
    target = ROOT / "written-by-a-decoder"
    if target.is_relative_to(tempfile.gettempdir()):
        pytest.skip("this checkout lies in a temporary folder")
    result = run(tmp_path, f"open({str(target)!r}, 'w')")
    assert "Read-only file system" in result.hidden
    script = "import multiprocessing, tempfile\nmultiprocessing.Lock()\ntempfile.TemporaryFile()\nopen('here', 'w')"
    assert run(tmp_path, script).failure is None


OUTLIVE = """
import ctypes, os, time
ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)
if os.fork() == 0:
    os.setsid()
    time.sleep(3)
    open({!r}, "w")
"""


@isolated
@pytest.mark.parametrize("end", ["", "time.sleep(99)"], ids=["ends", "is stopped"])
def test_nothing_of_a_decoder_outlives_it(tmp_path: Path, end: str) -> None:
    started = time.monotonic()
    run(tmp_path, OUTLIVE.format(str(tmp_path / "left")) + end, replace(RULES, seconds=2))
    time.sleep(max(0.0, started + 6 - time.monotonic()))
    assert not (tmp_path / "left").exists()


def test_run_that_cannot_be_isolated_is_limited_all_the_same_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rehearsal, "can_isolate", lambda _: False)
    result = run(tmp_path, "import sys; print('seen'); sys.exit(3)")
    assert (result.log, result.exit_code, result.isolated) == ("seen\n", 3, False)
    assert "originals in reach" in conditions(result, RULES)
    result = run(tmp_path, "import time; time.sleep(99)", replace(RULES, seconds=2))
    assert result.failure == "./decode was stopped after 2 s, the time limit of 2021"


REHEARSE_OPENLY = """
import sys
from pathlib import Path
from submission.rehearsal import run
from submission.seasons import season
run.can_isolate = lambda _: False
with run.rehearse(Path(sys.argv[1]), Path(sys.argv[2]), season(2021)):
    pass
"""


def test_decoder_ends_with_a_killed_rehearsal_also_where_nothing_can_be_isolated(tmp_path: Path) -> None:
    script = (
        f"import time\nopen({str(tmp_path / 'began')!r}, 'w')\ntime.sleep(3)\nopen({str(tmp_path / 'left')!r}, 'w')"
    )
    (tmp_path / "decoder.zip").write_bytes(build_zip({"decode": (HEAD + script).encode()}, frozenset({"decode"})))
    (tmp_path / "data.zip").write_bytes(b"x")
    files = [str(tmp_path / name) for name in ("decoder.zip", "data.zip")]
    process = subprocess.Popen([sys.executable, "-c", REHEARSE_OPENLY, *files], cwd=ROOT)
    while not (tmp_path / "began").exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.wait()
    time.sleep(4)
    assert not (tmp_path / "left").exists()


def test_memory_is_the_decoder_s_and_not_that_of_who_measures(tmp_path: Path) -> None:
    own = bytearray(3 * 10**8)
    assert 10**6 < run(tmp_path, "").peak_bytes < 10**8 < len(own)
    assert run(tmp_path, "data = b'x' * 2 * 10**8").peak_bytes > 2 * 10**8


@pytest.mark.parametrize("entry", [b"no script", b"#!/no/such/interpreter\n"], ids=["no script", "no interpreter"])
def test_decoder_that_cannot_start_is_told_in_one_line(tmp_path: Path, entry: bytes) -> None:
    (tmp_path / "decoder.zip").write_bytes(build_zip({"decode": entry}, frozenset({"decode"})))
    (tmp_path / "data.zip").write_bytes(b"x")
    with rehearse(tmp_path / "decoder.zip", tmp_path / "data.zip", RULES) as result:
        assert result.hidden.startswith("./decode cannot be started: ")
        assert result.hidden.count("\n") == 1


def test_log_of_a_foreign_decoder_is_never_believed(tmp_path: Path) -> None:
    lines = ["x: {0}x{0}, 0.1 s".format("9" * 5000), f"x: 1x1, {'9' * 400}.0 s", "x: 10x10, 5000.0 s", "\x1b[2J: gone"]
    result = run(tmp_path, f"print('\\n'.join({lines!r}))")
    assert timing(result).startup == 0
    assert "\x1b" not in result.log
    assert "nan" not in time_report([result], RULES)


def test_log_is_stdout_alone_and_stderr_is_shown_as_hidden(tmp_path: Path) -> None:
    result = run(tmp_path, "import sys; print('seen'); print('unseen', file=sys.stderr); sys.exit(3)")
    assert result.log == "seen\n"
    assert result.failure == "./decode ended with 3; on stderr, which no team sees:\nunseen"


def test_unsafe_decoder_is_not_unpacked(tmp_path: Path) -> None:
    (tmp_path / "decoder.zip").write_bytes(build_zip({"../decode": b""}))
    with pytest.raises(UnsafePath), rehearse(tmp_path / "decoder.zip", tmp_path / "none", RULES):
        pass


def test_container_s_python_is_the_one_that_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    container = tmp_path / "container"
    (container / "bin").mkdir(parents=True)
    (container / "bin/python3").symlink_to(sys.executable)
    monkeypatch.setattr(rehearsal, "CONTAINER", container)
    assert not run(tmp_path, "").container
    (container / ".ready").touch()
    result = run(tmp_path, "import sys; print(sys.executable)")
    assert result.log == f"{container / 'bin/python3'}\n"
    assert "container's packages" in conditions(result, RULES)


@pytest.fixture
def copy(dist: Path, tmp_path: Path) -> Path:
    shutil.copytree(dist, tmp_path / "copy")
    return tmp_path / "copy"


def damage(path: Path) -> None:
    """Flips a bit of the file, in the payload of the first of two pictures."""
    payload, data = read_stream(path).archive.entries[0].payload, bytearray(path.read_bytes())
    assert data.count(payload) == 1
    data[data.index(payload) + len(payload) // 2] ^= 1
    path.write_bytes(data)


def test_damaged_picture_costs_itself_alone_and_the_log_says_why(copy: Path) -> None:
    damage(copy / "0.3/bs.zip")
    with rehearse(copy / "decoder.zip", copy / "0.3/bs.zip", RULES) as result:
        written = [path.name for path in result.folder.rglob("*.png")]
    assert result.exit_code == 1
    assert written == ["two.png"]
    assert "one: PayloadChecksum: one: the payload is damaged" in result.log
    assert "two: 161x99" in result.log
    assert "1 failed" in result.log
    assert result.hidden == ""


def test_damaged_set_is_never_scored(copy: Path) -> None:
    damage(copy / "0.3/bs.zip")
    with pytest.raises(RehearsalError, match=r"(?s)ended with 1.*one\.png: missing.*PayloadChecksum"):
        rehearse_target(copy, "0.3", copy / "originals", 10**6, RULES)


def test_pictures_in_any_folder_are_found_by_base_name(copy: Path) -> None:
    script = "import os, zipfile\nos.makedirs('a/b')\nos.rename('one.png', 'a/b/one.png')"
    pictures = {path.name: path.read_bytes() for path in (copy / "originals").glob("*.png")}
    members = {"decode": (HEAD + script).encode(), **pictures}
    (copy / "decoder.zip").write_bytes(build_zip(members, frozenset({"decode"})))
    result = rehearse_target(copy, "0.3", copy / "originals", 10**6, RULES)
    assert result.score.values["psnr"] == np.inf


def test_picture_of_another_size_is_not_scored(copy: Path) -> None:
    Image.new("RGB", (7, 7)).save(copy / "originals" / "one.png")
    with pytest.raises(RehearsalError, match=r"one\.png: is 200x130, the original 7x7"):
        rehearse_target(copy, "0.3", copy / "originals", 10**6, RULES)


def test_log_of_the_last_run_is_kept(copy: Path) -> None:
    result = rehearse_target(copy, "0.3", copy / "originals", 10**6, RULES)
    assert (cache_folder(LOGS) / "0.3.log").read_text() == result.rehearsal.log
    assert "one: 200x130" in result.rehearsal.log


def test_projection_is_the_line_through_start_up_and_pixels(tmp_path: Path) -> None:
    log = "a: 100x50, 0.500 s\nb: 100x150, 1.500 s\nb: PayloadChecksum: 7x7, 3 s off\n"
    result = Rehearsal(tmp_path, 0, 5.0, 2**20, log, "", True, True, None)
    line = timing(result)
    assert result.pictures == [("a", 5000, 0.5), ("b", 15000, 1.5)]
    assert line.startup == pytest.approx(3.0)
    assert line.projected(10, 1000) == pytest.approx(3.0 + 10 * 1000 * 2 / 20000)
    report = time_report([result], RULES)
    assert f"projected for 41 pictures of 2048x1365: {line.projected(41):,.0f} s of 18,000 s" in report


def test_limits_that_are_not_known_are_told(tmp_path: Path) -> None:
    result = Rehearsal(tmp_path, 0, 5.0, 2**20, "", "", True, False, None)
    assert "those of 2025 are not known" in conditions(result, season(2025))
    assert "2 CPUs, 12 GB of address space, at most 5 h" in conditions(result, season(2021))
