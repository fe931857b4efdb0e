"""Widths that differ from an architecture's row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .interface import Architecture
from .transforms import TransformArchitecture

MAX_TRANSFORM_WIDTH, MAX_WIDTH = 512, 2048
"""Of widths that a weight file states: those of transforms bound the memory that is asked for before its tensors are
compared with them."""


def rows(arch: Architecture) -> list[Any]:
    """The dataclasses that hold an architecture's widths."""
    return [arch, arch.transforms] if isinstance(arch, TransformArchitecture) else [arch]


def changed(arch: Architecture, changes: Mapping[str, Any]) -> Architecture:
    """An architecture with other widths."""
    own, *transforms = (replace(row, **{k: v for k, v in changes.items() if k in vars(row)}) for row in rows(arch))
    found: Architecture = replace(own, transforms=transforms[0]) if transforms else own
    return found


def open_widths(arch: Architecture) -> dict[str, int]:
    """What a weight file states of an architecture."""
    return {name: value for row in rows(arch) for name, value in vars(row).items() if name in arch.open_widths}


def stated(arch: Architecture, widths: Mapping[str, int]) -> Architecture:
    """A row with the widths that a weight file states.

    Raises:
      ValueError: they are others than the row leaves open, or out of range.
    """
    if sorted(widths) != sorted(arch.open_widths):
        raise ValueError(f"the widths of {arch.name} that a file states are {arch.open_widths}, not {tuple(widths)}")
    for name, value in widths.items():
        largest = MAX_WIDTH if name in vars(arch) else MAX_TRANSFORM_WIDTH
        if not 1 <= value <= largest:
            raise ValueError(f"{name} is {value}, not from 1 to {largest}")
    return changed(arch, widths)
