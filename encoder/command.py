"""Encodes pictures to CLC streams of a given rate."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tqdm import tqdm

from decoder_pkg.commands import STREAM_SUFFIX
from decoder_pkg.errors import DecoderError
from eval.metrics import SQUARED_ERROR
from eval.pictures import PictureError
from eval.storage import OutputError, check_folder, check_output, write_atomically

from .byte_budget import MAX_BPP, BudgetError, refine_within
from .candidates import Candidate, CandidateCache, RoundTripError, pack_archive
from .models import Zoo, add_codec_option, load_zoo, weight_folders
from .picture_coder import PictureCoder
from .pictures import find_pictures, load_with_notes
from .presets import PRESETS, Preset, preset

EXAMPLES = """examples:
  python -m encoder photo.jpg -o photo.clc --bpp 0.15    one picture, at most 0.15 bits per pixel
  python -m encoder photo.jpg -o photo.clc --bpp 0.15 --preset medium    with refinement
  python -m encoder photos/ -o streams/ --bpp 0.3        every picture of a folder, each at most 0.3

An image set under one byte budget, which gains 0.5 to 1.2 dB: make submission IMAGES=photos/
"""
ERRORS = (PictureError, DecoderError)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", type=Path, help="a picture, or a folder of them")
    parser.add_argument("-o", "--output", type=Path, required=True, help="a .clc file, or a folder for a folder")
    parser.add_argument("--bpp", type=parse_rate, default=0.15, help="bits per pixel of a file at most (default 0.15)")
    presets = [row.name for row in PRESETS]
    parser.add_argument("--preset", choices=presets, default=presets[0], help="encoding time (default fast)")
    add_codec_option(parser)


def run(arguments: argparse.Namespace) -> int:
    jobs = _jobs(arguments.source, arguments.output)
    zoo = load_zoo(*weight_folders(arguments.codec)).suited(SQUARED_ERROR)
    failures = 0
    for source, target in tqdm(jobs, desc="encoding", disable=len(jobs) < 2):
        try:
            tqdm.write(_encode_file(zoo, source, target, arguments.bpp, preset(arguments.preset)))
        except PictureError as error:  # it names the file
            tqdm.write(str(error), file=sys.stderr)
            failures += 1
        except (BudgetError, DecoderError, RoundTripError) as error:
            tqdm.write(f"{source}: {error}", file=sys.stderr)
            failures += 1
        except OSError as error:
            tqdm.write(f"{error.filename or target} cannot be written: {error.strerror or error}", file=sys.stderr)
            failures += 1
    return 1 if failures else 0


def parse_rate(text: str) -> float:
    """Bits per pixel.

    Raises:
      argparse.ArgumentTypeError: it is no positive number, or more than any picture takes.
    """
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate <= MAX_BPP:
        raise argparse.ArgumentTypeError(f"{text!r} is no positive number up to {MAX_BPP}")
    return rate


def _jobs(source: Path, output: Path) -> list[tuple[Path, Path]]:
    """The pictures and where their streams go.

    Raises:
      OSError, PictureError: there is nothing to read, or a stream may not be written.
    """
    if not source.is_dir():
        check_output(output, source)
        if output.suffix.lower() != STREAM_SUFFIX:
            raise OutputError(f"{output} is no name of a stream, which ends in {STREAM_SUFFIX}")
        return [(source, output)]
    pictures = find_pictures(source)
    check_folder(output)
    return [(path, output / f"{path.stem}{STREAM_SUFFIX}") for path in pictures]


def _encode_file(zoo: Zoo, source: Path, target: Path, bpp: float, effort: Preset) -> str:
    """Encodes one file and returns a line that reports it."""
    pixels = load_with_notes(source)
    samples = pixels.shape[0] * pixels.shape[1]

    def stream(candidate: Candidate) -> bytes:
        return pack_archive(zoo.bundle, [candidate.entry(source.stem)])

    coder = PictureCoder(pixels, zoo, CandidateCache())
    best = refine_within(coder, lambda c: len(stream(c)), int(samples * bpp / 8), effort)
    data = stream(best)
    write_atomically(target, data)
    return f"{source.name}: {len(data)} bytes, {8 * len(data) / samples:.4f} bpp, {best.psnr_db:.2f} dB"
