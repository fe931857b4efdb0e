"""What a codec offers: the integers of a picture, the order in which they are coded, and the pictures made of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from ..entropy import Coder, CodingStep, Exchange, Grid, reading
from ..gains import GainField
from ..weight_files import TensorReader

if TYPE_CHECKING:
    from ..pixels.render import Tile
    from .layers import Layer

LATENTS = "y"
"""Name of the grid of latents: what the synthesis sees, and what follows the quantisation step q."""

HYPER_LATENTS = "z"
"""Name of the grid of hyper-latents."""

Size = tuple[int, int]
"""Height and width of a picture in pixels."""

Integers = Mapping[str, Grid]
"""A picture's integers by grid: [h, w, C] int32 each."""


@dataclass(frozen=True)
class Architecture:
    """A row of the table of codecs: what a weight file names by its id.

    Attributes:
      id: number written to weight files and never reused.
      name: name for people.
      open_widths: fields, of it or of its transforms, that each weight file states for itself.
    """

    open_widths: ClassVar[tuple[str, ...]] = ()

    id: int
    name: str


Arch = TypeVar("Arch", bound=Architecture)


@dataclass(frozen=True)
class GridShape:
    """A grid of a picture's integers.

    Attributes:
      height, width, channels: its shape.
      steps: how many integers one unit of the float latents counts.
    """

    height: int
    width: int
    channels: int
    steps: int

    @property
    def plane(self) -> tuple[int, int]:
        """Height and width."""
        return self.height, self.width


@dataclass(frozen=True)
class CodingSetting:
    """How a picture is coded.

    Attributes:
      gain: gain index of every position.
      q: quantisation step in 1/Q_ONE, in [1, 255].
    """

    gain: GainField
    q: int


class IntegerCodec(ABC, Generic[Arch]):
    """One model as the decoder knows it, built from the tensors of its weight file.

    Attributes:
      architectures: rows of the table of codecs.
      arch: that of this model, of the same type.
      needs: what must be installed for it beside what every decoder needs, for people; empty where nothing.
    """

    architectures: ClassVar[tuple[Architecture, ...]]
    needs: ClassVar[str] = ""

    def __init__(self, arch: Arch, reader: TensorReader) -> None:
        """Reads what the integers need.

        Raises:
          WeightsError: the tensors do not fit the architecture.
        """
        self.arch, self.reader = arch, reader

    @staticmethod
    @abstractmethod
    def layers(arch: Arch) -> Sequence[Layer]:
        """The integer layers of its networks, each after those it takes its input from."""

    @abstractmethod
    def grids(self, size: Size) -> dict[str, GridShape]:
        """The grids of a picture's integers by name, in the order in which they are coded.

        A grid whose shape does not follow from the picture's size is not among them.
        """

    @abstractmethod
    def walk(self, size: Size, setting: CodingSetting, exchange: Exchange) -> Integers:
        """Goes through all symbols of a picture in payload order.

        Args:
          size: of the picture.
          setting: how it is coded.
          exchange: reads or makes the symbols of a step.

        Returns:
          The integers that the symbols stand for, reconstructed.
        """

    @abstractmethod
    def synthesise(self, integers: Integers, setting: CodingSetting, margin: int) -> Iterator[Tile]:
        """The picture, tile by tile, not filtered.

        Args:
          integers: of the picture.
          setting: how it is coded.
          margin: pixels around each tile that its filters look at.
        """

    @abstractmethod
    def build(self) -> None:
        """Builds the networks now, so that the first picture takes no longer than the others.

        Raises:
          WeightsError: the tensors do not fit the architecture.
        """

    @abstractmethod
    def place(self, device: str) -> None:
        """Moves the float networks to a device."""

    def decode(self, coder: Coder, size: Size, setting: CodingSetting) -> Integers:
        """Reads a picture's integers.

        Raises:
          CorruptPayload: the bytes cannot come from an encoder.
        """
        return self.walk(size, setting, reading(coder))

    def encode(self, coder: Coder, integers: Integers, size: Size, setting: CodingSetting) -> None:
        """Writes integers as `decode` returns them; they are those of this size and setting."""

        def exchange(step: CodingStep) -> Grid:
            symbols = step.symbols_of(integers[step.grid])
            step.symbols.encode(coder, symbols)
            return symbols

        self.walk(size, setting, exchange)
