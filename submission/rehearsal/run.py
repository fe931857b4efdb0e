"""The server's run, rehearsed: a clean folder, the two zips, ./decode, the container's packages, no network."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from decoder_pkg.stream import unpack
from eval.problems import printable

from ..seasons import MAX_UNPACKED, Season
from .isolation import can_isolate, contained

LIMITS = Path(__file__).with_name("limits.py")
MAX_LOG = 2**20
"""Bytes of a log that are read."""

CONTAINER = Path(".cache/container")
"""The environment that `make container` builds: the season's packages and nothing of this project."""


PICTURE = re.compile(r"^(.+): (\d{1,9})x(\d{1,9}), (\d{1,6}\.\d{1,6}) s$", re.MULTILINE)
"""The decoder's line about one picture."""


@dataclass(frozen=True)
class Rehearsal:
    """What one run of the decoder did.

    Attributes:
      folder: where it ran; the PNGs lie below it.
      exit_code: of ./decode; negative is the signal that ended it.
      seconds: wall-clock time.
      peak_bytes: largest resident set of a process of its; 0 where it was stopped.
      log: its stdout, which is all that a team gets to see.
      hidden: its stderr.
      isolated: whether the network, the originals and foreign files were really out of its reach.
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
        yield run_decoder(work, rules, concealed)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def container_ready(container: Path) -> bool:
    """Whether the container's environment was built to its end."""
    return (container / ".ready").exists()


def run_decoder(work: Path, rules: Season, concealed: Sequence[Path]) -> Rehearsal:
    """Runs ./decode in a folder under the season's limits, isolated where the system allows it."""
    isolated = can_isolate(concealed)
    inside = container_ready(CONTAINER)
    programs = CONTAINER.absolute() / "bin" if inside else Path(sys.executable).parent
    environment = {"PATH": f"{programs}:/usr/bin:/bin", "HOME": str(work)}
    limits = (sys.executable, "-I", str(LIMITS), str(rules.memory_bytes or 0), str(rules.cpus or 0))
    # Unnamed files and a pipe: the decoder cannot put anything in their place.
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, _pipe() as (reader, writer):
        command = [*limits, *contained(isolated, writer, concealed), "./decode"]
        start = time.monotonic()
        process = subprocess.Popen(
            command, cwd=work, env=environment, stdout=out, stderr=err, start_new_session=True, pass_fds=[writer]
        )
        late = _wait(process, rules.seconds)
        seconds = time.monotonic() - start
        report = _report(reader, writer)
        log, hidden = (_text(file) for file in (out, err))
    code = os.waitstatus_to_exitcode(int(report["status"])) if report else process.returncode
    failure = _failure(code, late, hidden, rules)
    peak = int(report.get("peak_bytes", 0))
    return Rehearsal(work, code, report.get("seconds", seconds), peak, log, hidden, isolated, inside, failure)


@contextmanager
def _pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    try:
        yield reader, writer
    finally:
        for end in (reader, writer):
            with suppress(OSError):
                os.close(end)


def _report(reader: int, writer: int) -> dict[str, float]:
    """What `inside.py` reported; nothing where it was ended before."""
    os.close(writer)
    with os.fdopen(os.dup(reader), "rb") as pipe:
        text = pipe.read()
    return json.loads(text) if text else {}


def _text(file: IO[bytes]) -> str:
    """The first MAX_LOG bytes of a log, harmless for a terminal."""
    file.seek(0)
    return printable(file.read(MAX_LOG).decode(errors="replace"))


def _wait(process: subprocess.Popen[bytes], limit: int | None) -> bool:
    """Waits for the end, at most `limit` seconds, and ends what is left; returns whether the limit struck."""
    try:
        process.wait(limit)
    except subprocess.TimeoutExpired:
        return True
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return False


def _failure(code: int, late: bool, hidden: str, rules: Season) -> str | None:
    if late:
        return f"./decode was stopped after {rules.seconds} s, the time limit of {rules.year}"
    if code:
        shown = f"; on stderr, which no team sees:\n{hidden.rstrip()}" if hidden.strip() else ""
        return f"./decode ended with {code}{shown}"
    return None
