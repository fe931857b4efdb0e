"""`make submission` with the golden models on two small photographs: python -m tests.small_submission [--kill-at N] ...

Further arguments go to `python -m submission submit`. With --kill-at it kills itself as `kill -9` would, at the N-th
time it opens, renames or removes a file or starts a process; with --count it prints how many such moments there are.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
from functools import partial
from pathlib import Path

import skimage.data
from PIL import Image

from eval.command_line import call_module
from rate_control.engines import ENGINES, Here
from submission.commands import submit as command
from submission.package import pack as build
from submission.package.decoder_zip import WHEELS, build_decoder_zip
from tests.paths import GOLDEN, ROOT

MOMENTS = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "subprocess.Popen")
PHOTOS = Path("photos")
CROPS = {"one": skimage.data.astronaut()[:160, 100:300], "two": skimage.data.rocket()[100:229, :161]}


class Moments:
    """Counts the moments of this process and kills it at one of them."""

    def __init__(self, kill_at: int) -> None:
        self.count = 0
        self._kill_at = kill_at

    def __call__(self, event: str, arguments: object) -> None:
        if event in MOMENTS:
            self.count += 1
            if self.count == self._kill_at:
                os.kill(os.getpid(), signal.SIGKILL)


def prepare() -> None:
    """Puts the golden models in place of the shipped ones, and photographs into a folder."""
    setattr(command, "weight_folders", lambda codec: (GOLDEN / "decoder", GOLDEN / "encoder"))  # noqa: B010
    setattr(build, "build_decoder_zip", partial(build_decoder_zip, wheels=ROOT / WHEELS))  # noqa: B010
    if not PHOTOS.exists():
        _write_photographs()


def _write_photographs() -> None:
    """Two runs may do this at once: each finds all of the photographs or none."""
    own = Path(tempfile.mkdtemp(dir="."))
    for name, pixels in CROPS.items():
        Image.fromarray(pixels).save(own / f"{name}.png")
    try:
        own.rename(PHOTOS)
    except OSError:  # the other run was first
        shutil.rmtree(own)


def main() -> int:
    """Returns the exit code of the submission."""
    parser = argparse.ArgumentParser("python -m tests.small_submission", description=__doc__)
    parser.add_argument("--kill-at", type=int, default=0, help="moment at which it kills itself")
    parser.add_argument("--count", action="store_true", help="print the number of moments")
    parser.add_argument("--workers", action="store_true", help="code pictures in processes of their own")
    arguments, others = parser.parse_known_args()
    prepare()
    if not arguments.workers:
        ENGINES["local"] = Here
    moments = Moments(arguments.kill_at)
    sys.addaudithook(moments)
    words = ["--images", str(PHOTOS), "--targets", "0.15", "0.3", "--baselines", "none", *others]
    code = call_module("submit", command.__name__, words)
    if arguments.count:
        print(f"moments: {moments.count}")
    return code


if __name__ == "__main__":
    sys.exit(main())
