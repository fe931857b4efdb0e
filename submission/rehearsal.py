"""The server's run, rehearsed: a clean folder, the two zips, ./decode, the container's packages, no network."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from decoder_pkg.safe_zip import unpack

from .seasons import GIGABYTE, Season

ISOLATED = ("unshare", "--net", "--pid", "--mount", "--fork", "--kill-child", "--map-root-user")
"""No network, no sight of other processes, an end of all of its own when ./decode ends, mounts of its own."""

LIMITS, CONCEAL = (Path(__file__).with_name(name) for name in ("limits.py", "conceal.py"))
CONTAINER = Path(".cache/container")
"""The environment that `make container` builds: the season's packages and nothing of this project."""

MAX_UNPACKED = 4 * GIGABYTE
"""What a decoder may unpack to: the largest that a season has allowed."""

PICTURE = re.compile(r"^(.+): (\d+)x(\d+), (\d+\.\d+) s$", re.MULTILINE)
"""The decoder's line about one picture."""


@dataclass(frozen=True)
class Rehearsal:
    """What one run of the decoder did.

    Attributes:
      folder: where it ran; the PNGs lie below it.
      exit_code: of ./decode; negative is the signal that ended it.
      seconds: wall-clock time.
      peak_bytes: largest resident set of the process.
      log: its stdout, which is all that a team gets to see.
      hidden: its stderr.
      isolated: whether the network and the originals were really out of its reach.
      container: whether the container's environment ran it, not this one.
      failure: why it did not succeed, None where it did.
    """

    folder: Path
    exit_code: int
    seconds: float
    peak_bytes: int
    log: str
    hidden: str
    isolated: bool
    container: bool
    failure: str | None

    @property
    def pictures(self) -> list[tuple[str, int, float]]:
        """Name, pixels and seconds of every picture, as the log tells."""
        return [(name, int(w) * int(h), float(seconds)) for name, w, h, seconds in PICTURE.findall(self.log)]


@contextmanager
def rehearse(decoder_zip: Path, data_zip: Path, rules: Season, concealed: Sequence[Path] = ()) -> Iterator[Rehearsal]:
    """Unpacks the decoder beside the data in a fresh folder and runs it under the season's limits.

    The folder is removed afterwards.

    Args:
      decoder_zip: the decoder package.
      data_zip: the data of one target.
      rules: the season's.
      concealed: folders that the decoder must not read: the originals.

    Raises:
      DecoderError: the decoder's zip is damaged or unsafe.
    """
    folder = Path(tempfile.mkdtemp(prefix="rehearsal-"))
    try:
        work = folder / "work"
        work.mkdir()
        unpack(decoder_zip, work, MAX_UNPACKED)
        shutil.copy(data_zip, work / rules.data_name)
        yield _run(work, rules, concealed)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def container_ready(container: Path) -> bool:
    """Whether the container's environment was built to its end."""
    return (container / ".ready").exists()


def _run(work: Path, rules: Season, concealed: Sequence[Path]) -> Rehearsal:
    isolation = _isolation(concealed)
    inside = container_ready(CONTAINER)
    programs = CONTAINER.absolute() / "bin" if inside else Path(sys.executable).parent
    limits = (sys.executable, "-I", str(LIMITS), str(rules.memory_bytes or 0), str(rules.cpus or 0))
    environment = {"PATH": f"{programs}:/usr/bin:/bin", "HOME": str(work)}
    logs = [work.parent / name for name in ("stdout", "stderr")]
    start = time.monotonic()
    with logs[0].open("wb") as out, logs[1].open("wb") as err:
        process = subprocess.Popen(
            [*limits, *isolation, "./decode"], cwd=work, env=environment, stdout=out, stderr=err, start_new_session=True
        )
        usage, late = _wait(process, rules.seconds)
    seconds = time.monotonic() - start
    log, hidden = (path.read_text(errors="replace") for path in logs)
    code = process.returncode
    return Rehearsal(
        work, code, seconds, usage, log, hidden, bool(isolation), inside, _failure(code, late, hidden, rules)
    )


def _wait(process: subprocess.Popen[bytes], limit: int | None) -> tuple[int, bool]:
    """Waits for the end, at most `limit` seconds; returns the peak memory in bytes and whether the limit struck."""
    late = threading.Event()

    def end() -> None:
        late.set()
        os.killpg(process.pid, signal.SIGKILL)

    timer = threading.Timer(limit if limit is not None else threading.TIMEOUT_MAX, end)
    timer.start()
    try:
        _, status, usage = os.wait4(process.pid, 0)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    finally:
        timer.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_maxrss * 1024, late.is_set()


def _failure(code: int, late: bool, hidden: str, rules: Season) -> str | None:
    if late:
        return f"./decode was stopped after {rules.seconds} s, the time limit of {rules.year}"
    if code:
        shown = f"; on stderr, which no team sees:\n{hidden.rstrip()}" if hidden.strip() else ""
        return f"./decode ended with {code}{shown}"
    return None


def _isolation(concealed: Sequence[Path]) -> tuple[str, ...]:
    """The command prefix that isolates a run, empty where the system does not allow it."""
    program = shutil.which(ISOLATED[0])
    folders = [str(folder.resolve()) for folder in concealed]
    prefix = (program or "", *ISOLATED[1:], sys.executable, "-I", str(CONCEAL), *folders, "--")
    if program and subprocess.run([*prefix, sys.executable, "-I", "-c", ""], capture_output=True).returncode == 0:
        return prefix
    return ()
