"""Autoregressive contexts in float: the mirror of `decoder_pkg.codecs.autoregressive`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from decoder_pkg.codecs.autoregressive import BLOCK_LAYERS, AutoregressiveArchitecture

from .causal import CausalConv
from .hyper_networks import Context, ContextNetwork, HyperFloatCodec
from .likelihoods import LIKELIHOODS, SymbolLikelihood
from .normal_likelihoods import MixtureLikelihood, mixture_weights
from .relaxation import Quantiser

PASSES, MANY_PASSES = 3, 16
"""How often a context is evaluated: each pass sees the rounded latents of the one before, all positions in parallel.

The first sees them rounded around the means of the hyper-latents, which in training is all: what rounding changes is
distributed alike. Of many, the last sees what the decoder does, but for a few latents.
"""

Arch = TypeVar("Arch", bound=AutoregressiveArchitecture)


class AutoregressiveFloatCodec(HyperFloatCodec[Arch]):
    """Mean and scale from the hyper-latents and from causal neighbours."""

    def __init__(self, arch: Arch) -> None:
        super().__init__(arch)
        self.context = AutoregressiveContext(arch)


class AutoregressiveContext(ContextNetwork):
    """A parameter network for each group of channels."""

    def __init__(self, arch: AutoregressiveArchitecture) -> None:
        super().__init__()
        self.groups = nn.ModuleList(GroupContext(arch, group) for group in range(arch.groups))
        self._passes = PASSES

    def converge(self) -> None:
        self._passes = MANY_PASSES

    def forward(self, y: Tensor, mean: Tensor, features: Tensor, step: float, quantise: Quantiser) -> Context:
        seen = mean + quantise((y - mean) / step) * step
        for _ in range(0 if self.training else self._passes - 1):
            with torch.no_grad():
                rounded = self._pass(y, mean, features, seen, step, quantise).y_hat
            seen = y + (rounded - y).detach()
        return self._pass(y, mean, features, seen, step, quantise)

    def _pass(
        self, y: Tensor, mean: Tensor, features: Tensor, seen: Tensor, step: float, quantise: Quantiser
    ) -> Context:
        """Codes latents whose neighbours are as seen [B, M, h, w]."""
        count, coded = len(self.groups), list[Context]()
        parts = zip(*(x.chunk(count, 1) for x in (y, mean, features)), strict=True)
        for group, (own, expected, own_features) in zip(self.groups, parts, strict=True):
            offset, likelihood = group(seen, [part.y_hat for part in coded], own_features, step)
            expected = expected + offset
            residual = (own - expected) / step
            coded.append(Context.of(residual, expected, step, likelihood, quantise(residual), self.training))
        return together(coded)


class GroupContext(nn.Module):
    """The parameter network of one group of channels."""

    def __init__(self, arch: AutoregressiveArchitecture, group: int) -> None:
        super().__init__()
        width, inner, channels = arch.context_width, arch.hidden_width, arch.group_channels
        self._components, self._slope, self._likelihood = arch.components, arch.slope, LIKELIHOODS[arch.scale_kind]
        self.enter = CausalConv(arch.latent_channels, width)
        self.current = nn.Conv2d(group * channels, width, 1) if group else None
        self.hidden = nn.Conv2d(width, inner, 1)
        self.blocks = nn.ModuleList(
            nn.ModuleList(nn.Conv2d(inner, inner, 1) for _ in range(BLOCK_LAYERS)) for _ in range(arch.residual_blocks)
        )
        self.mean = nn.Conv2d(inner, arch.components * channels, 1)
        self.scale = nn.Conv2d(inner, arch.components * channels, 1)
        if arch.components > 1:
            self.weight = nn.Conv2d(inner, arch.components * channels, 1)
            assert self.scale.bias is not None
            with torch.no_grad():  # Gaussians that begin alike would stay so
                self.scale.bias.add_(torch.linspace(-1, 1, arch.components).repeat_interleave(channels))

    def forward(
        self, seen: Tensor, known: Sequence[Tensor], features: Tensor, step: float
    ) -> tuple[Tensor, SymbolLikelihood]:
        """What is to be added to the means, and the likelihood of the symbols.

        Args:
          seen: [B, M, h, w] float, latents whose causal neighbours are looked at.
          known: [B, C, h, w] float each, latents of earlier groups.
          features: [B, width, h, w] float, from the hyper-latents.
          step: quantisation step q.
        """
        x = self.enter(seen) + features
        if self.current is not None:
            x = x + self.current(torch.cat(list(known), 1))
        x = self.hidden(F.leaky_relu(x, self._slope))
        for block in self.blocks:
            inner = x
            for layer in block:  # type: ignore[attr-defined]
                inner = layer(F.leaky_relu(inner, self._slope))
            x = x + inner
        return self._distribution(F.leaky_relu(x, self._slope), step)

    def _distribution(self, x: Tensor, step: float) -> tuple[Tensor, SymbolLikelihood]:
        mean, scale = self.mean(x).float(), self.scale(x)
        if self._components == 1:
            return mean, self._likelihood.of(scale, step)
        mean, log2_sigma, logits = (
            part.unflatten(1, (self._components, -1))
            for part in (mean, scale.float() - math.log2(step), self.weight(x).float())
        )
        weight = mixture_weights(logits)
        centre = (weight * mean).sum(1)
        return centre, MixtureLikelihood(weight, (mean - centre[:, None]) / step, log2_sigma)


def together(groups: Sequence[Context]) -> Context:
    """All groups of channels as one."""
    likelihood: Any = groups[0].likelihood
    merged = type(likelihood)(*(_channels(f.name, [g.likelihood for g in groups]) for f in fields(likelihood)))
    residual, symbols, y_hat = (_channels(name, groups) for name in ("residual", "symbols", "y_hat"))
    return Context(residual, symbols, merged, y_hat)


def _channels(name: str, parts: Sequence[object]) -> Tensor:
    """An attribute [..., C, h, w] of all parts, channels one after another."""
    return torch.cat([getattr(part, name) for part in parts], -3)
