from __future__ import annotations

import signal
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
from numpy.typing import NDArray

import decoder_pkg  # noqa: F401 - before numpy and torch: it sets how their threads wait
from encoder.models import Zoo, load_zoo
from tests.av1_zoo import with_av1
from tests.golden.make import STREAM, with_filter
from tests.paths import GOLDEN

SHARED = Path(__file__).parents[2] / "shared"

# Small networks: more threads would wait for each other.
torch.set_num_threads(1)

# What runs in the background of a script ignores interrupts, and so would all that tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def golden_zoo() -> Zoo:
    """The tiny model whose streams must decode for ever."""
    return load_zoo(GOLDEN / "decoder", GOLDEN / "encoder")


@pytest.fixture(scope="session")
def filtered_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The decoder's weights of the tiny models with a post-filter."""
    return with_filter(tmp_path_factory.mktemp("filtered") / "decoder")


@pytest.fixture(scope="session")
def filtered_zoo(filtered_weights: Path) -> Zoo:
    """The tiny models with a post-filter."""
    return load_zoo(filtered_weights, GOLDEN / "encoder")


@pytest.fixture(scope="session")
def av1_zoo(tmp_path_factory: pytest.TempPathFactory) -> Zoo:
    """The tiny models and AV1."""
    return with_av1(tmp_path_factory.mktemp("with-av1"))


@pytest.fixture(scope="session")
def golden_stream() -> bytes:
    return (GOLDEN / STREAM).read_bytes()


@pytest.fixture(scope="session")
def photo() -> NDArray[np.uint8]:
    """A real photograph, [300, 451, 3]."""
    pixels: NDArray[np.uint8] = skimage.data.chelsea()
    return pixels
