"""Latents whose mean and scale causal neighbours help to predict, decoded as wavefronts.

The channels of a position form one group, or several of which each sees those before it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeVar

import numpy as np

from ..entropy import (
    ACTIVATION_LIMIT,
    CodingStep,
    Exchange,
    Grid,
    IntegerConv,
    Integers,
    clamp_activation,
    latent_unit,
    leaky,
)
from ..weight_files import TensorReader
from .causal import Neighbours, wavefront
from .hyper_decoder import HyperArchitecture, HyperCodec, hyper_layers
from .interface import LATENTS
from .layers import CAUSAL_WINDOW, MEAN_EXPONENT, POINT, Layer
from .parameters import Predicted, parameter_layers, read_parameters

BLOCK_LAYERS = 3
"""1x1 layers of a residual block."""


@dataclass(frozen=True)
class AutoregressiveArchitecture(HyperArchitecture):
    """Features of the hyper-decoder are those of all groups: feature_width is their number times the network's width.

    Attributes:
      groups: of channels.
      components: Gaussians of a latent.
      residual_blocks: of each group's parameter network.
      slope: of its rectifiers.
    """

    groups: ClassVar[int] = 1
    slope: ClassVar[float] = 0.125

    components: int
    residual_blocks: int

    @property
    def context_width(self) -> int:
        """Channels of the parameter network of one group."""
        return self.feature_width // self.groups

    @property
    def hidden_width(self) -> int:
        """Channels of the same behind its first layer."""
        return self.context_width

    @property
    def group_channels(self) -> int:
        """Latents of a group."""
        return self.latent_channels // self.groups


AutoregressiveArch = TypeVar("AutoregressiveArch", bound=AutoregressiveArchitecture)


class AutoregressiveCodec(HyperCodec[AutoregressiveArch]):
    """Hyper-latents first, then the latents of a diagonal, group by group, and the next diagonal."""

    def __init__(self, arch: AutoregressiveArch, reader: TensorReader) -> None:
        super().__init__(arch, reader)
        self._networks = [GroupNetwork(self._context, group, arch, reader) for group in range(arch.groups)]

    @staticmethod
    def layers(arch: AutoregressiveArch) -> Sequence[Layer]:
        return (*hyper_layers(arch, context_sums(arch)), *context_layers(arch))

    def walk_latents(self, latents: Grid, features: Grid, q: int, exchange: Exchange) -> None:
        neighbours, (height, width) = Neighbours(*latents.shape), latents.shape[:2]
        groups = self.arch.groups
        for rows, columns in wavefront(height, width):
            values, expected = latents[rows, columns], features[rows, columns]
            patches, known = neighbours.patches(rows, columns), np.clip(values, -ACTIVATION_LIMIT, ACTIVATION_LIMIT)
            for group, network in enumerate(self._networks):
                own = slice(group * self.arch.group_channels, (group + 1) * self.arch.group_channels)
                predicted = network.predict(patches, known[:, : own.start], expected, q)
                mean, places = values[:, own] + predicted.mean, (rows * width + columns) * groups + group
                step = CodingStep(LATENTS, places, mean, latent_unit(q), predicted.symbols)
                values[:, own] = mean + step.residuals(exchange(step))
                known[:, own] = np.clip(values[:, own], -ACTIVATION_LIMIT, ACTIVATION_LIMIT)
            latents[rows, columns] = values
            neighbours.put(rows, columns, known)


class GroupNetwork:
    """The parameter network of one group of channels."""

    def __init__(
        self, layers: Mapping[str, IntegerConv], group: int, arch: AutoregressiveArchitecture, reader: TensorReader
    ) -> None:
        name = _name(group)
        self._own = slice(group * arch.context_width, (group + 1) * arch.context_width)
        self._enter, self._hidden = layers[f"{name}.enter"], layers[f"{name}.hidden"]
        self._current = layers[f"{name}.current"] if group else None
        self._blocks = [
            [layers[_block_name(name, block, layer)] for layer in range(BLOCK_LAYERS)]
            for block in range(arch.residual_blocks)
        ]
        self._slope = arch.slope
        self._parameters = read_parameters(layers, name, arch.components, arch.scale_kind, reader)

    def predict(self, patches: Integers, known: Grid, features: Grid, q: int) -> Predicted:
        """Parameters of n positions.

        Args:
          patches: [n, 12 * M] the latents of the causal neighbours.
          known: [n, C] those of earlier groups at the positions themselves.
          features: [n, feature_width] from the hyper-latents.
          q: quantisation step.
        """
        x = self._enter.columns(patches) + features[:, self._own]
        if self._current:
            x += self._current.columns(known.astype(np.float64))
        x = self._hidden.columns(leaky(clamp_activation(x), self._slope))
        for block in self._blocks:
            inner = x
            for layer in block:
                inner = layer.columns(leaky(inner, self._slope))
            x = clamp_activation(x + inner)
        return self._parameters.of(leaky(x, self._slope), q)


def context_sums(arch: AutoregressiveArchitecture) -> tuple[str, ...]:
    """Peaks of what is added up at the entrance of the networks: of the features and of what neighbours tell."""
    names = [_name(group) for group in range(arch.groups)]
    return ("hyper.scale", *(f"{name}.enter" for name in names), *(f"{name}.current" for name in names[1:]))


def context_layers(arch: AutoregressiveArchitecture) -> list[Layer]:
    """Layers of the parameter networks of all groups."""
    sums = context_sums(arch)
    return [layer for group in range(arch.groups) for layer in _group_layers(arch, group, sums)]


def _group_layers(arch: AutoregressiveArchitecture, group: int, sums: tuple[str, ...]) -> list[Layer]:
    """Layers of a group's network; `sums` are those that are added to what its neighbours tell."""
    name, module = _name(group), f"context.groups.{group}"
    width, inner, hidden, channels = arch.context_width, arch.hidden_width, f"{name}.hidden", arch.latent_channels
    blocks = range(arch.residual_blocks)
    added = (hidden, *(_block_name(name, block, BLOCK_LAYERS - 1) for block in blocks))
    rows = [Layer(f"{name}.enter", f"{module}.enter", CAUSAL_WINDOW, channels, width, MEAN_EXPONENT, sums)]
    if group:
        known = group * arch.group_channels
        rows.append(Layer(f"{name}.current", f"{module}.current", POINT, known, width, MEAN_EXPONENT, sums))
    rows.append(Layer(hidden, f"{module}.hidden", POINT, width, inner, "hyper.scale", added))
    for block in blocks:
        source = hidden
        for layer in range(BLOCK_LAYERS):
            own = _block_name(name, block, layer)
            peak = added if layer == BLOCK_LAYERS - 1 else (own,)
            rows.append(Layer(own, f"{module}.blocks.{block}.{layer}", POINT, inner, inner, source, peak))
            source = own
    parameters = parameter_layers(name, module, inner, arch.group_channels, hidden, arch.components, arch.scale_kind)
    return [*rows, *parameters]


def _name(group: int) -> str:
    return f"context.group{group}"


def _block_name(name: str, block: int, layer: int) -> str:
    return f"{name}.block{block}.{layer}"
