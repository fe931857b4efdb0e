"""The range coder's wheels that travel in decoder.zip."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from .decoder_zip import WHEEL_LIST, WHEELS

PLATFORM = "manylinux2014_x86_64"


def fetch_wheels(folder: Path = WHEELS) -> None:
    """Downloads the wheels that are listed and not there yet, or not whole.

    Raises:
      subprocess.CalledProcessError: pip could not download one.
    """
    for line in WHEEL_LIST.read_text().splitlines():
        digest, name = line.split()
        wheel = folder / name
        if wheel.exists() and hashlib.sha256(wheel.read_bytes()).hexdigest() == digest:
            continue
        wheel.unlink(missing_ok=True)  # a download that was cut off
        project, version, python, *_ = name.split("-")
        options = ["--no-deps", "--only-binary=:all:", "--platform", PLATFORM, "--implementation", "cp"]
        options += ["--python-version", f"{python[2]}.{python[3:]}", "--dest", str(folder)]
        command = [sys.executable, "-m", "pip", "download", "--quiet", *options, f"{project}=={version}"]
        subprocess.run(command, check=True)
