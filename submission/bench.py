"""Times and memory of the codec: python -m submission.bench [--large]"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import skimage.data
import torch
from numpy.typing import NDArray
from PIL import Image

from decoder_pkg.codecs.hyperprior import (
    CAUSAL,
    EntropyModel,
    Walk,
    code_causal,
    code_latents,
    decode_payload,
    raster,
    wavefront,
)
from decoder_pkg.decoder import decode_entry, write_png
from decoder_pkg.entropy import ACTIVATION_LIMIT, Q_ONE, SCALE_BINS, SCALE_SHIFT, IntegerConv, build_conv
from decoder_pkg.models import load_bundle
from decoder_pkg.pixels.filters import COLOURS, FEATURES
from decoder_pkg.pixels.render import assemble, render_tiles
from decoder_pkg.stream import Entry
from encoder.coding import AnalysedPicture, encode_payload, quantise
from encoder.devices import bf16_helps
from encoder.latents import Setting, trained_slope
from encoder.pictures import Pixels, load_picture
from encoder.presets import preset
from encoder.refinement import refine_latents
from encoder.weights import EncoderModel, float_model, load_zoo, to_grid
from eval.memory import peak_bytes
from eval.metrics import ms_ssim, squared_error
from eval.score import score_folder
from eval.threads import one_thread

from .bench_allocation import bench_allocation
from .bench_server import bench_server

Result = TypeVar("Result")

GAIN = 24
METHOD, STEPS = preset("medium").method, 10
"""Of refinement, and how many of its iterations are timed."""

REPEATS = 3
SIZES = {"Kodak size": (512, 768), "CLIC size": (1365, 2048)}
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


def causal_model(model: EntropyModel) -> EntropyModel:
    """The model with an untrained 5x5 causal context of the same width in place of its own: times need no training.

    Half of its channels are certain, the others use tables of all small scales, as those of a trained one do.
    """
    rng = np.random.default_rng(1)
    channels, width = model.arch.latent_channels, model.arch.context_width

    def layer(taps: int, inputs: int, outputs: int, spread: int, bins: int) -> IntegerConv:
        weight = rng.integers(-spread, spread + 1, (taps, inputs, outputs)).astype(np.int16)
        shift = np.full(outputs, 12, dtype=np.int8)
        bias = rng.integers(-bins, bins, outputs).clip(min=0) << SCALE_SHIFT + 12
        return build_conv(weight, bias, shift, ACTIVATION_LIMIT)

    layers = model.layers | {
        "context.enter": layer(12, channels, width, 99, 1),
        "context.hidden": layer(1, width, width, 99, 1),
        "context.leave": layer(1, width, channels, 0, SCALE_BINS // 2),
    }
    return replace(model, arch=replace(model.arch, context=CAUSAL), layers=layers)


def bench_decoding(name: str, pixels: Pixels) -> None:
    """Prints decoding times of one picture: latents, synthesis, and the wavefront against position by position."""
    model = first_model()
    entropy, picture = model.decoder.entropy, AnalysedPicture(pixels, model)
    quantised = picture.quantise(GAIN)
    size = pixels.shape[:2]
    latents = _decoding_seconds(entropy, picture, code_latents)
    network, arch = model.decoder.synthesis, model.decoder.arch

    def to_pixels(kernel: NDArray[np.float32] | None) -> Pixels:
        return assemble(render_tiles(network, arch, quantised.latents, GAIN), size[0], size[1], kernel)

    kernel = np.zeros((FEATURES, COLOURS), dtype=np.float32)
    pixelwise, filtered = (median_seconds(partial(to_pixels, k)) for k in (None, kernel))
    megapixels = size[0] * size[1] / 1e6
    print(f"{name} {size[1]}x{size[0]}:")
    print(
        f"  latents {latents:.3f} s, synthesis {pixelwise:.3f} s, post-filter {filtered - pixelwise:.3f} s; "
        f"in total {megapixels / (latents + filtered):.2f} megapixels a second"
    )
    causal = causal_model(entropy)
    fast, slow = (_decoding_seconds(causal, picture, partial(code_causal, order=o)) for o in (wavefront, raster))
    print(f"  5x5 causal context: wavefront {fast:.3f} s, position by position {slow:.3f} s, ratio {slow / fast:.1f}")
    print(f"  the model's own context against position by position: ratio {slow / latents:.1f}")


def _decoding_seconds(entropy: EntropyModel, picture: AnalysedPicture, walk: Walk) -> float:
    """Seconds to decode a picture's latents in a coding order."""
    y, z = (to_grid(part) for part in picture.latents(GAIN))
    payload = encode_payload(entropy, quantise(entropy, y, z, Q_ONE, walk=walk), GAIN)
    return median_seconds(lambda: decode_payload(entropy, payload, y.shape[0], y.shape[1], GAIN, Q_ONE, walk=walk))


def bench_refinement(pixels: Pixels) -> None:
    """Prints the time of one iteration of refinement as the presets do it, and what share the synthesis takes."""
    picture = AnalysedPicture(pixels, first_model(), load_zoo().bundle.postfilter)
    codec = float_model(picture.model)
    device, setting = next(codec.parameters()).device, Setting(GAIN, Q_ONE, trained_slope(GAIN))
    y_hat, gain = picture.latents(GAIN)[0].to(device).requires_grad_(), torch.tensor([GAIN], device=device)

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
    pixels, postfilter = photograph(*LARGE), load_zoo().bundle.postfilter
    encoded: list[Entry] = []

    def encode() -> None:
        encoded.append(AnalysedPicture(pixels, first_model(), postfilter).encode(GAIN)[0].entry("large"))

    return *_measured(encode), encoded[0]


def _decode_large(entry: Entry) -> tuple[float, float]:
    return _measured(lambda: decode_entry(load_bundle(), entry))


def bench_large() -> None:
    """Prints time and peak memory of one very large picture, each side in a process of its own."""
    seconds, memory, entry = _in_own_process(_encode_large)
    print(f"{LARGE[1]}x{LARGE[0]}: encoded, decoded back and measured in {seconds:.0f} s, {memory:.1f} GiB")
    seconds, memory = _in_own_process(_decode_large, entry)
    print(f"{LARGE[1]}x{LARGE[0]}: decoded in {seconds:.0f} s, {memory:.1f} GiB")


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser("python -m submission.bench", description=__doc__)
    parser.add_argument("--image", type=Path, help="photograph to scale to each size (default: scikit-image's coffee)")
    parser.add_argument("--large", action="store_true", help=f"also {LARGE[1]}x{LARGE[0]}, which takes minutes")
    arguments = parser.parse_args()
    for name, size in SIZES.items():
        bench_decoding(name, photograph(*size, arguments.image))
    bench_server("CLIC size", photograph(*SIZES["CLIC size"], arguments.image), GAIN)
    bench_refinement(photograph(*SIZES["Kodak size"], arguments.image))
    bench_metrics(photograph(*SIZES["CLIC size"], arguments.image))
    bench_allocation()
    if arguments.large:
        bench_large()
    return 0


if __name__ == "__main__":
    sys.exit(main())
