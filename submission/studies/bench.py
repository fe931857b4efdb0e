"""Times and memory of the codec."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import skimage.data
import torch
from PIL import Image

from decoder_pkg.codecs import LATENTS
from decoder_pkg.decoder import decode_entry, write_png
from decoder_pkg.entropy import Q_ONE
from decoder_pkg.models import load_bundle
from decoder_pkg.payload import decode_payload
from decoder_pkg.pixels.filters import FilterChain
from decoder_pkg.pixels.render import assemble
from decoder_pkg.stream import Entry
from encoder.codecs import coding_setting, trained_multiplier
from encoder.coding import AnalysedPicture
from encoder.models import EncoderModel, bf16_helps, float_model, load_zoo
from encoder.pictures import Pixels, load_picture
from encoder.presets import preset
from encoder.refinement import RefinementSetting, refine_latents
from eval.machine import one_thread, peak_bytes
from eval.metrics import ms_ssim, squared_error
from eval.score import score_folder

Result = TypeVar("Result")

GAIN = 24
METHOD, STEPS = preset("medium").method, 10
"""Of refinement, and how many of its iterations are timed."""

REPEATS = 3
LARGE = (8192, 8192)
SCORED = 6
"""Pictures of the set whose scoring is timed."""


def photograph(height: int, width: int, source: Path | None = None) -> Pixels:
    """A picture of this size: a file's, or an embedded photograph, enlarged and cropped."""
    pixels = load_picture(source) if source else skimage.data.coffee()
    scale = max(height / pixels.shape[0], width / pixels.shape[1])
    size = (max(width, round(pixels.shape[1] * scale)), max(height, round(pixels.shape[0] * scale)))
    resized: Pixels = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))
    return np.ascontiguousarray(resized[:height, :width])


def median_seconds(action: Callable[[], object]) -> float:
    """Median wall-clock time of a few runs after one that warms up."""
    action()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return sorted(times)[REPEATS // 2]


def first_model() -> EncoderModel:
    """The first model of the zoo."""
    return next(iter(load_zoo().models.values()))


def bench_decoding(name: str, pixels: Pixels) -> None:
    """Prints decoding times of one picture: integers, synthesis and post-filters."""
    zoo, setting = load_zoo(), coding_setting(GAIN, Q_ONE)
    picture = AnalysedPicture(pixels, first_model(), zoo.bundle.post_filters)
    codec, size = picture.model.decoder.codec, picture.size
    candidate, _ = picture.encode(setting)
    decoded = decode_payload(codec, candidate.payload, candidate.header, picture.filters)
    integers = median_seconds(lambda: decode_payload(codec, candidate.payload, candidate.header, picture.filters))

    def to_pixels(chain: FilterChain) -> Pixels:
        return assemble(codec.synthesise(decoded.integers, setting, chain.reach), *size, chain)

    plain, filtered = (median_seconds(partial(to_pixels, chain)) for chain in (FilterChain(), decoded.side.filters))
    print(
        f"{name} {size[1]}x{size[0]}: integers {integers:.3f} s, synthesis {plain:.3f} s, "
        f"post-filters {filtered - plain:.3f} s; "
        f"in total {size[0] * size[1] / 1e6 / (integers + filtered):.2f} megapixels a second"
    )


def bench_refinement(pixels: Pixels) -> None:
    """Prints the time of one iteration of refinement as the presets do it, and what share the synthesis takes."""
    picture = AnalysedPicture(pixels, first_model(), load_zoo().bundle.post_filters)
    codec = float_model(picture.model)
    device, setting = next(codec.parameters()).device, RefinementSetting(GAIN, Q_ONE, trained_multiplier(GAIN))
    y_hat = picture.latents(setting.coding.gain)[LATENTS].to(device).requires_grad_()
    gain = torch.tensor([GAIN], device=device)

    def synthesis() -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16_helps(device)):
            picture = codec.synthesis(y_hat, gain)
        torch.autograd.grad(picture.float().sum(), y_hat)

    with one_thread():
        refined, started = (median_seconds(partial(refine_latents, picture, setting, METHOD, n)) for n in (STEPS, 0))
        whole, part = (refined - started) / STEPS, median_seconds(synthesis)
    megapixels = pixels.shape[0] * pixels.shape[1] / 1e6
    print(
        f"refinement, one thread, {device.type}: {whole / megapixels:.3f} s for an iteration and megapixel, "
        f"{100 * part / whole:.0f} % of it in the synthesis and its gradient; "
        f"{started / megapixels:.2f} s a megapixel before the first"
    )


def bench_metrics(pixels: Pixels) -> None:
    """Prints time and memory of the metrics of one pair, and what all cores gain on a set."""
    seconds, memory = _in_own_process(_measure_pair, pixels)
    print(f"metrics of {pixels.shape[1]}x{pixels.shape[0]}: {seconds:.2f} s, {memory:.2f} GiB")
    cores = os.sched_getaffinity(0)
    with tempfile.TemporaryDirectory() as name:
        originals, decoded = Path(name) / "originals", Path(name) / "decoded"
        for folder in (originals, decoded):
            folder.mkdir()
            for number in range(SCORED):
                write_png(folder / f"{number}.png", pixels)
        together = median_seconds(lambda: score_folder(originals, decoded))
        os.sched_setaffinity(0, {min(cores)})
        alone = median_seconds(lambda: score_folder(originals, decoded))
        os.sched_setaffinity(0, cores)
    print(
        f"  a set of {SCORED}: {together / SCORED:.2f} s a picture, {alone / together:.2f} times as fast as on one core"
    )


def _measure_pair(pixels: Pixels) -> tuple[float, float]:
    other = np.ascontiguousarray(pixels[::-1])
    return _measured(lambda: (squared_error(pixels, other), ms_ssim(pixels, other)))


def _in_own_process(function: Callable[..., Result], *arguments: object) -> Result:
    """What a function returns; peak memory is that of the function alone.

    Raises:
      BrokenProcessPool: it was killed, as for lack of memory.
    """
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def _measured(action: Callable[[], object]) -> tuple[float, float]:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start, peak_bytes() / 2**30


def _encode_large() -> tuple[float, float, Entry]:
    pixels, filters = photograph(*LARGE), load_zoo().bundle.post_filters
    encoded: list[Entry] = []

    def encode() -> None:
        picture = AnalysedPicture(pixels, first_model(), filters)
        encoded.append(picture.encode(coding_setting(GAIN, Q_ONE))[0].entry("large"))

    return *_measured(encode), encoded[0]


def _decode_large(entry: Entry) -> tuple[float, float]:
    return _measured(lambda: decode_entry(load_bundle(), entry))


def bench_large() -> None:
    """Prints time and peak memory of one very large picture, each side in a process of its own."""
    seconds, memory, entry = _in_own_process(_encode_large)
    print(f"{LARGE[1]}x{LARGE[0]}: encoded, decoded back and measured in {seconds:.0f} s, {memory:.1f} GiB")
    seconds, memory = _in_own_process(_decode_large, entry)
    print(f"{LARGE[1]}x{LARGE[0]}: decoded in {seconds:.0f} s, {memory:.1f} GiB")
