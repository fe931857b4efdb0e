"""Fetches the range coder's wheels for decoder.zip: python -m submission.wheels"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from .decoder_zip import WHEEL_LIST, WHEELS

PLATFORM = "manylinux2014_x86_64"


def fetch_wheels(folder: Path = WHEELS) -> None:
    """Downloads the wheels that are listed and not there yet; building the package checks their sha256.

    Raises:
      subprocess.CalledProcessError: pip could not download one.
    """
    for line in WHEEL_LIST.read_text().splitlines():
        name = line.split()[1]
        if (folder / name).exists():
            continue
        project, version, python, *_ = name.split("-")
        options = ["--no-deps", "--only-binary=:all:", "--platform", PLATFORM, "--implementation", "cp"]
        options += ["--python-version", f"{python[2]}.{python[3:]}", "--dest", str(folder)]
        command = [sys.executable, "-m", "pip", "download", "--quiet", *options, f"{project}=={version}"]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    fetch_wheels()
