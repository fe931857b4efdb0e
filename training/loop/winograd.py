"""Winograd's convolution for training on CPUs that multiply bf16 vectors: 2.25 times fewer products."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from encoder.models import cpu_has

SOURCE = Path(__file__).with_suffix(".cpp")
FLAGS = ("-O3", "-shared", "-fPIC", "-std=c++17", "-mavx512f", "-mavx512bw", "-mavx512vl", "-mavx512bf16")

SPARE = 5
"""Rows of zeros after each plane of a transformed operand, as in the source."""

LANES, LEAST_CHANNELS = 16, 64
"""Channels come in multiples of the one; below the other a direct convolution is as fast."""


def is_faster() -> bool:
    """Whether this machine can compile and run the transforms, and has nothing better: AMX has."""
    has_vectors = cpu_has("avx512_bf16") and not cpu_has("amx_tile")
    return bool(has_vectors and shutil.which("g++"))


@lru_cache(maxsize=1)
def _library() -> ctypes.CDLL:
    """The transforms, compiled anew by every process: a library from a cache would be believed."""
    with tempfile.TemporaryDirectory(prefix="winograd-") as folder:
        path = Path(folder) / "winograd.so"
        subprocess.run(["g++", *FLAGS, str(SOURCE), "-o", str(path)], check=True)
        return ctypes.CDLL(str(path))


def _call(name: str, tensors: tuple[Tensor, ...], sizes: tuple[int, ...]) -> None:
    pointers = (ctypes.c_void_p(tensor.data_ptr()) for tensor in tensors)
    getattr(_library(), name)(*pointers, *map(ctypes.c_int64, sizes))


class WinogradFunction(torch.autograd.Function):
    """A 3x3 convolution of stride 1 that keeps the size (Lavin & Gray 2016, F(2x2, 3x3)), products in bf16."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """From x [N, C, H, W] bf16, H and W even, weight [K, C, 3, 3] and bias [K] float32 to [N, K, H, W] bf16."""
        x, weight = (part.contiguous(memory_format=torch.channels_last) for part in (x, weight))
        count, channels, height, width = x.shape
        outputs = len(weight)
        inputs = x.new_empty(16, count * height * width // 4 + SPARE, channels)
        _call("transform_input", (x, inputs), (count, height, width, channels))
        weights = x.new_empty(16, outputs, channels)
        _call("transform_weights", (weight, weights), (outputs, channels))
        y = _channels_last(x, (count, outputs, height, width))
        _call("transform_output", (torch.bmm(inputs, weights.mT), bias, y), (count, height, width, outputs))
        ctx.save_for_backward(inputs, weights)
        ctx.size = x.shape
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Gradients of x, weight and bias, given that of the result [N, K, H, W] bf16."""
        inputs, weights = ctx.saved_tensors
        count, channels, height, width = ctx.size
        outputs = weights.shape[1]
        gradient = gradients[0].contiguous(memory_format=torch.channels_last)
        of_products, of_bias = inputs.new_empty(*inputs.shape[:2], outputs), torch.zeros(outputs)
        _call("output_gradient", (gradient, of_bias, of_products), (count, height, width, outputs))
        of_x = _channels_last(inputs, ctx.size)
        _call("input_gradient", (torch.bmm(of_products, weights), of_x), (count, height, width, channels))
        of_weight = _channels_last(of_bias, (outputs, channels, 3, 3))
        _call("weight_gradient", (torch.bmm(of_products.mT, inputs), of_weight), (outputs, channels))
        return of_x, of_weight, of_bias


def _channels_last(like: Tensor, size: tuple[int, ...]) -> Tensor:
    return torch.empty(size, dtype=like.dtype, memory_format=torch.channels_last)


class WinogradConv2d(nn.Conv2d):
    """Winograd's convolution where a training step runs in bf16 over even sizes, the direct one elsewhere."""

    def forward(self, x: Tensor) -> Tensor:
        even = x.shape[2] % 2 == 0 and x.shape[3] % 2 == 0
        if not (self.training and even and torch.is_autocast_enabled("cpu")):
            return super().forward(x)
        result: Tensor = WinogradFunction.apply(x.bfloat16(), self.weight, self.bias)  # type: ignore[no-untyped-call]
        return result


def use_winograd(model: nn.Module) -> int:
    """Lets all convolutions of a model that gain by it use Winograd's; returns how many."""
    chosen = [module for module in model.modules() if type(module) is nn.Conv2d and _gains(module)]
    for module in chosen:
        module.__class__ = WinogradConv2d
    if chosen:
        _library()  # before threads need it, all at once
    return len(chosen)


def _gains(conv: nn.Conv2d) -> bool:
    shape = conv.kernel_size, conv.stride, conv.padding
    channels = conv.in_channels, conv.out_channels
    divisible = all(count % LANES == 0 and count >= LEAST_CHANNELS for count in channels)
    return shape == ((3, 3), (1, 1), (1, 1)) and conv.groups == 1 and divisible and conv.bias is not None
