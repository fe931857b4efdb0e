"""What a post-filter offers: its parameters in a stream, and how it filters a picture."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from ...entropy import Coder
from ...weight_files import TensorFile

if TYPE_CHECKING:
    from torch import Tensor

Parameters = TypeVar("Parameters")


class PostFilter(ABC, Generic[Parameters]):
    """A post-filter with its weights; its parameters belong to one picture.

    Attributes:
      name: names the kind in a manifest.
      reach: how many pixels away a sample can still change another.
    """

    name: ClassVar[str]
    reach: ClassVar[int]

    @abstractmethod
    def __init__(self, file: TensorFile) -> None:
        """Reads the weights.

        Raises:
          WeightsError: they are not those of this kind of filter.
        """

    @abstractmethod
    def read(self, coder: Coder, gain: int) -> Parameters:
        """Reads a picture's parameters.

        Raises:
          CorruptPayload: the bytes cannot come from an encoder.
        """

    @abstractmethod
    def write(self, coder: Coder, parameters: Parameters, gain: int) -> None:
        """Writes what `read` returns at the same gain."""

    @abstractmethod
    def apply(self, picture: Tensor, parameters: Parameters) -> Tensor:
        """Filters a picture or a tile [3, H, W] float, nominally in [0, 1], to the same."""


@dataclass(frozen=True)
class FilterLink:
    """A filter that is on for a picture, with its parameters."""

    filter: PostFilter[Any]
    parameters: Any


@dataclass(frozen=True)
class FilterChain:
    """The filters that are on for a picture, by id and in the order in which they are applied; none is no filter."""

    links: Mapping[int, FilterLink] = field(default_factory=dict)

    @property
    def reach(self) -> int:
        """How many pixels away a sample can still change another."""
        return sum(link.filter.reach for link in self.links.values())

    def apply(self, picture: Tensor) -> Tensor:
        """Filters a picture or a tile [3, H, W] float, nominally in [0, 1], to the same."""
        for link in self.links.values():
            picture = link.filter.apply(picture, link.parameters)
        return picture
