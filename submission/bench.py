"""Times and memory of the codec: python -m submission.bench [--large]"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image

from decoder_pkg.archive import Entry
from decoder_pkg.bundle import load_bundle
from decoder_pkg.causal import Order, code_causal, raster, wavefront
from decoder_pkg.decoder import decode_entry, latent_size
from decoder_pkg.latent_decoder import decode_latents
from decoder_pkg.render import render
from encoder.encode import AnalysedPicture
from encoder.latent_encoder import encode_latents
from encoder.pictures import Pixels, load_picture
from encoder.weights import load_zoo

GAIN = 24
REPEATS = 3
SIZES = {"Kodak size": (512, 768), "CLIC size": (1365, 2048)}
LARGE = (8192, 8192)


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


def bench_decoding(name: str, pixels: Pixels) -> None:
    """Prints decoding times of one picture: wavefront, position by position, synthesis."""
    model = load_zoo().models[1]
    height, width = latent_size(*pixels.shape[:2])
    picture = AnalysedPicture(pixels, model)
    entropy = model.decoder.entropy

    def decoding(order: Order) -> float:
        walk = partial(code_causal, order=order)
        payload = encode_latents(entropy, picture.quantise(GAIN, walk=walk), GAIN)
        return median_seconds(lambda: decode_latents(entropy, payload, height, width, GAIN, 128, walk))

    fast, slow = decoding(wavefront), decoding(raster)
    quantised = picture.quantise(GAIN)
    size = pixels.shape[:2]
    pixelwise = median_seconds(
        lambda: render(model.decoder.synthesis, model.decoder.arch, quantised.latents, GAIN, *size)
    )
    megapixels = size[0] * size[1] / 1e6
    print(f"{name} {size[1]}x{size[0]}:")
    print(f"  latents: wavefront {fast:.3f} s, position by position {slow:.3f} s, ratio {slow / fast:.1f}")
    print(f"  synthesis {pixelwise:.3f} s; in total {megapixels / (fast + pixelwise):.2f} megapixels a second")


def _measured(action: Callable[[], object]) -> tuple[float, float]:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def _encode_large(queue: multiprocessing.Queue[object]) -> None:
    picture = photograph(*LARGE)
    encoded: list[Entry] = []
    seconds, memory = _measured(
        lambda: encoded.append(AnalysedPicture(picture, load_zoo().models[1]).encode(GAIN)[0].entry("large"))
    )
    queue.put((seconds, memory, encoded[0]))


def _decode_large(queue: multiprocessing.Queue[object], entry: Entry) -> None:
    queue.put(_measured(lambda: decode_entry(load_bundle(), entry)))


def bench_large() -> None:
    """Prints time and peak memory of one very large picture, each side in a process of its own."""
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=_encode_large, args=(queue,))
    process.start()
    seconds, memory, entry = queue.get()
    process.join()
    print(f"{LARGE[1]}x{LARGE[0]}: encoded, decoded back and measured in {seconds:.0f} s, {memory:.1f} GiB")
    process = context.Process(target=_decode_large, args=(queue, entry))
    process.start()
    seconds, memory = queue.get()
    process.join()
    print(f"{LARGE[1]}x{LARGE[0]}: decoded in {seconds:.0f} s, {memory:.1f} GiB")


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser("python -m submission.bench", description=__doc__)
    parser.add_argument("--image", type=Path, help="photograph to scale to each size (default: scikit-image's coffee)")
    parser.add_argument("--large", action="store_true", help=f"also {LARGE[1]}x{LARGE[0]}, which takes minutes")
    arguments = parser.parse_args()
    for name, size in SIZES.items():
        bench_decoding(name, photograph(*size, arguments.image))
    if arguments.large:
        bench_large()
    return 0


if __name__ == "__main__":
    sys.exit(main())
