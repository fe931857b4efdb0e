"""The bundle: every model and post-filter that the decoder ships, found by the ids that picture headers name."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ..codecs import Architecture, IntegerCodec, architecture, codec_of, stated
from ..errors import WeightsError
from ..fields import all_of, field, parse_object
from ..pixels.filters import FILTERS, PostFilter
from ..weight_files import MAX_WEIGHTS_BYTES, TensorFile, TensorReader, read_weights, tensors_digest
from .manifest import WEIGHTS, FileRow, read_file, read_manifest

BUNDLE_ID_BYTES = 8
MAX_BUNDLE_BYTES = 2**30


class DecoderModel:
    """One model: parsed weights, its codec built on first use.

    Attributes:
      file: its tensors and metadata.
      digest: sha256 over them, however they are packed.
      arch: its architecture.
      exponents: power-of-two scale of each integer layer's output, for the float networks.
    """

    def __init__(self, data: bytes, base: DecoderModel | None = None) -> None:
        """Parses a weight file.

        Args:
          data: of the file.
          base: the model to which it holds deltas; None where it holds a whole one.

        Raises:
          WeightsError: it is damaged or names no known architecture.
        """
        self.file: TensorFile = read_weights(data, base.file if base else None)
        self.digest = tensors_digest(self.file)
        try:
            metadata = dict[str, object](self.file.metadata)
            widths = all_of(parse_object(field(metadata, "widths", str)), int) if "widths" in metadata else {}
            self.arch: Architecture = stated(architecture(int(field(metadata, "architecture", str))), widths)
            self.exponents = all_of(parse_object(field(metadata, "exponents", str)), int)
            if self.exponents.keys() != {layer.name for layer in codec_of(self.arch).layers(self.arch)}:
                raise ValueError("the exponents are not those of its layers")
        except (KeyError, ValueError) as error:
            raise WeightsError(f"the weight file does not describe a known architecture: {error}") from None

    @property
    def reader(self) -> TensorReader:
        """Its tensors, each of which must have an exact type and shape."""
        return TensorReader(self.file.tensors)

    @cached_property
    def codec(self) -> IntegerCodec[Any]:
        """The model as it decodes.

        Raises:
          WeightsError: the tensors do not fit the architecture.
        """
        return codec_of(self.arch)(self.arch, self.reader)


@dataclass(frozen=True)
class ShippedFilter:
    """A post-filter of the bundle and the sha256 over its tensors."""

    filter: PostFilter[Any]
    digest: bytes


@dataclass(frozen=True)
class Bundle:
    """The models and post-filters of a weights folder.

    Attributes:
      models: by the id that picture headers name.
      filters: by their bit in picture headers, in the order in which they are applied.
    """

    models: dict[int, DecoderModel]
    filters: dict[int, ShippedFilter]

    @property
    def post_filters(self) -> dict[int, PostFilter[Any]]:
        """The filters themselves, in the order in which they are applied."""
        return {number: shipped.filter for number, shipped in self.filters.items()}

    @property
    def digest(self) -> bytes:
        """sha256 over everything that it holds."""
        return self._digest(self.models, self.filters)

    def id_for(self, models: Iterable[int], filters: Iterable[int]) -> bytes:
        """What a stream that uses these models and filters names: it survives others joining the bundle.

        Raises:
          KeyError: the bundle lacks one.
        """
        return self._digest(models, filters)[:BUNDLE_ID_BYTES]

    def _digest(self, models: Iterable[int], filters: Iterable[int]) -> bytes:
        digest = hashlib.sha256()
        for number in sorted(set(models)):
            digest.update(b"model" + bytes([number]) + self.models[number].digest)
        for number in sorted(set(filters)):
            digest.update(b"filter" + bytes([number]) + self.filters[number].digest)
        return digest.digest()


def load_bundle(folder: Path = WEIGHTS) -> Bundle:
    """Loads the models and post-filters of a weights folder and checks each file against the manifest.

    Raises:
      WeightsError: a file is missing, damaged or of another kind.
    """
    models: dict[int, DecoderModel] = {}
    manifest, size = read_manifest(folder), 0
    for row in manifest.models:
        model = models[row["id"]] = DecoderModel(_checked(folder, row), models[row["base"]] if "base" in row else None)
        size += sum(tensor.nbytes for tensor in model.file.tensors.values())
        if size > MAX_BUNDLE_BYTES:
            raise WeightsError(f"the models up to {row['file']} unpack to more than {MAX_BUNDLE_BYTES} bytes")
    filters = {}
    for filter_row in manifest.filters:
        file = read_weights(_checked(folder, filter_row))
        filters[filter_row["id"]] = ShippedFilter(FILTERS[filter_row["filter"]](file), tensors_digest(file))
    return Bundle(models, filters)


def _checked(folder: Path, row: FileRow) -> bytes:
    data = read_file(folder / row["file"], MAX_WEIGHTS_BYTES)
    if hashlib.sha256(data).hexdigest() != row["sha256"]:
        raise WeightsError(f"{row['file']} does not match the manifest's sha256: copy the weights again")
    return data
