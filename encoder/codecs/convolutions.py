"""Convolutions seen at work: what goes into each and what comes out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from torch import Tensor, nn

Seen = Callable[[str, nn.Conv2d, Tensor, Tensor], None]
"""Called with a convolution's path in the model, itself, its first input and its output."""


@contextmanager
def watched_convolutions(model: nn.Module, seen: Seen) -> Iterator[None]:
    """Within the context, every pass through a convolution of the model is reported."""

    def hook(path: str) -> Callable[[nn.Conv2d, tuple[Tensor, ...], Tensor], None]:
        return lambda conv, inputs, output: seen(path, conv, inputs[0], output)

    convolutions = [(path, module) for path, module in model.named_modules() if isinstance(module, nn.Conv2d)]
    handles = [module.register_forward_hook(hook(path)) for path, module in convolutions]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
