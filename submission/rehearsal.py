"""The server's run, rehearsed: a clean folder, the two zips, ./decode, no network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from decoder_pkg.commands import DATA_ZIP

LOG = "decode.log"
NO_NETWORK = ("unshare", "--net", "--map-root-user")


@dataclass(frozen=True)
class Rehearsal:
    """What one run of the decoder did.

    Attributes:
      folder: where it ran; the PNGs lie below it.
      exit_code: of ./decode.
      seconds: wall-clock time.
      peak_bytes: largest resident set of the process.
      log: its stdout and stderr.
      offline: whether the network was really cut off.
    """

    folder: Path
    exit_code: int
    seconds: float
    peak_bytes: int
    log: str
    offline: bool


@contextmanager
def rehearse(decoder_zip: Path, data_zip: Path) -> Iterator[Rehearsal]:
    """Unpacks the decoder beside the data in a fresh folder and runs it; the folder is removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="rehearsal-"))
    try:
        _unpack(decoder_zip, folder)
        shutil.copy(data_zip, folder / DATA_ZIP)
        yield _run(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unpack(decoder_zip: Path, folder: Path) -> None:
    with zipfile.ZipFile(decoder_zip) as archive:
        for info in archive.infolist():
            path = Path(archive.extract(info, folder))
            path.chmod(info.external_attr >> 16 & 0o777)


def _run(folder: Path) -> Rehearsal:
    prefix = _network_cut()
    environment = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(folder)}
    start = time.monotonic()
    with (folder / LOG).open("wb") as log:
        process = subprocess.Popen(
            [*prefix, "./decode"], cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - start
    text = (folder / LOG).read_text(errors="replace")
    return Rehearsal(folder, process.returncode, seconds, usage.ru_maxrss * 1024, text, bool(prefix))


def _network_cut() -> tuple[str, ...]:
    """The command prefix that cuts the network, empty where the system does not allow it."""
    if shutil.which(NO_NETWORK[0]) and subprocess.run([*NO_NETWORK, "true"], capture_output=True).returncode == 0:
        return NO_NETWORK
    return ()
