"""The bundle: every model the decoder ships, found by the id a picture header names."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..codecs.hyperprior import (
    GROUP_LAYERS,
    GROUPS,
    OUTPUT_LAYERS,
    Architecture,
    EntropyModel,
    Shape,
    architecture,
    layer_shapes,
)
from ..entropy import (
    ACTIVATION_LIMIT,
    MAX_SUPPORT,
    OUTPUT_LIMIT,
    Q_VALUES,
    SCALE_BINS,
    CodingTable,
    IntegerConv,
    build_conv,
    build_table,
    split_outputs,
)
from ..errors import WeightsError
from ..gains import GAIN_LAMBDAS
from ..pixels.filters import PostFilter, parse_postfilter
from ..stream import BUNDLE_ID_BYTES
from ..weight_files import MAX_WEIGHTS_BYTES, TensorFile, read_weights, unpack
from .manifest import WEIGHTS, FileRow, read_file, read_manifest

# torch takes most of the start-up: what needs only the latents, and every error before the pixels, does without it.
if TYPE_CHECKING:
    from ..codecs.hyperprior.synthesis import Synthesis

Number = TypeVar("Number", bound=np.generic)


class DecoderModel:
    """One model: parsed weights, networks built on first use.

    Attributes:
      digest: sha256 of the file.
      file: its tensors and metadata.
      arch: its architecture.
      exponents: power-of-two scale of each integer layer's output, for the float twin.
    """

    def __init__(self, data: bytes, base: DecoderModel | None = None) -> None:
        """Parses a weight file.

        Args:
          data: of the file.
          base: the model to which the file holds differences; None where it holds a whole model.

        Raises:
          WeightsError: it is damaged or names an unknown architecture.
        """
        self.digest = hashlib.sha256(data).digest()
        self.file: TensorFile = read_weights(data, base.file if base else None)
        try:
            self.arch: Architecture = architecture(int(self.file.metadata["architecture"]))
            self.exponents: dict[str, int] = json.loads(self.file.metadata["exponents"])
            numbers = all(type(exponent) is int for exponent in self.exponents.values())
            if not numbers or self.exponents.keys() != layer_shapes(self.arch).keys():
                raise ValueError("the exponents are not those of its layers")
        except (KeyError, ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise WeightsError(f"the weight file does not describe a known architecture: {error}") from None

    def build(self) -> None:
        """Builds the networks now, so that the first picture takes no longer than the others.

        Raises:
          WeightsError: the tensors do not fit the architecture.
        """
        _ = self.entropy, self.synthesis

    def _get(self, name: str, dtype: type[Number], *shape: int | None) -> NDArray[Number]:
        """A tensor of exactly this type and shape, where None stands for any size but zero."""
        if name not in self.file.tensors:
            raise WeightsError(f"the weight file lacks {name}")
        tensor = self.file.tensors[name]
        fits = len(tensor.shape) == len(shape) and all(
            have == (want or max(have, 1)) for have, want in zip(tensor.shape, shape, strict=True)
        )
        if tensor.dtype != dtype or not fits:
            raise WeightsError(f"{name} is {tensor.dtype} {tensor.shape}: it does not fit the architecture")
        return tensor.astype(dtype)

    @cached_property
    def entropy(self) -> EntropyModel:
        """The integer entropy model."""
        support = self._get("gaussian.support", np.int32, None)
        latent_tables = _split_tables(self._get("gaussian.frequency", np.uint32, None), support, np.zeros_like(support))
        table_of_bin = self._get("gaussian.table_of_bin", np.uint8, SCALE_BINS)
        if table_of_bin.max() >= len(latent_tables):
            raise WeightsError("the scale bins do not fit the coding tables")
        log_q = self._get("log_q", np.int16, Q_VALUES).astype(np.int64)
        return EntropyModel(self.arch, self._layers(), self._hyper_tables(), latent_tables, table_of_bin, log_q)

    def _layers(self) -> dict[str, IntegerConv]:
        layers = {name: self._layer(name, shape) for name, shape in layer_shapes(self.arch).items()}
        for name in [name for name in layers if name.startswith(GROUP_LAYERS)]:
            for group, part in enumerate(split_outputs(layers[name], GROUPS)):
                layers[f"{name}.{group}"] = part
        return layers

    def _layer(self, name: str, shape: Shape) -> IntegerConv:
        weight = self._get(f"{name}.weight", np.int16, *shape)
        bias = self._get(f"{name}.bias", np.int64, shape[-1])
        shift = self._get(f"{name}.shift", np.int8, shape[-1])
        return build_conv(weight, bias, shift, OUTPUT_LIMIT if name.startswith(OUTPUT_LAYERS) else ACTIVATION_LIMIT)

    def _hyper_tables(self) -> list[list[CodingTable]]:
        octaves, channels = len(GAIN_LAMBDAS), self.arch.hyper_channels
        support = self._get("hyper_prior.support", np.int32, octaves, channels).reshape(-1)
        offset = self._get("hyper_prior.offset", np.int16, octaves, channels).reshape(-1)
        flat = _split_tables(self._get("hyper_prior.frequency", np.uint32, None), support, offset)
        return [flat[start : start + channels] for start in range(0, len(flat), channels)]

    @cached_property
    def synthesis(self) -> Synthesis:
        """The float synthesis network in evaluation mode, on the CPU."""
        import torch

        from ..codecs.hyperprior.synthesis import Synthesis, to_channels_last

        network = Synthesis(self.arch, len(GAIN_LAMBDAS))
        state = {name: torch.from_numpy(array) for name, array in unpack(self.file.tensors, "synthesis.").items()}
        try:
            network.load_state_dict(state)
        except RuntimeError as error:
            raise WeightsError(f"the synthesis weights do not fit the architecture: {error}") from None
        return to_channels_last(network.eval())


def _split_tables(
    frequency: NDArray[np.uint32], support: NDArray[np.int32], offset: NDArray[np.integer]
) -> list[CodingTable]:
    sizes = 2 * support.astype(np.int64) + 2
    if support.min() < 1 or support.max() > MAX_SUPPORT or frequency.shape != (int(sizes.sum()),):
        raise WeightsError("the coding tables do not cover their frequencies exactly")
    parts = np.split(frequency, np.cumsum(sizes)[:-1])
    return [build_table(part, int(middle)) for part, middle in zip(parts, offset, strict=True)]


@dataclass(frozen=True)
class Bundle:
    """The models of a weights folder.

    Attributes:
      digest: sha256 over the sha256 of each model file, in the manifest's order, and then of the post-filter's.
      models: by the id that picture headers name.
      postfilter: what the strength m of a picture header asks for.
    """

    digest: bytes
    models: dict[int, DecoderModel]
    postfilter: PostFilter | None = None

    @property
    def id(self) -> bytes:
        """The first 8 bytes of the digest."""
        return self.digest[:BUNDLE_ID_BYTES]


def load_bundle(folder: Path = WEIGHTS) -> Bundle:
    """Loads the models and the post-filter of a weights folder and checks each file against the manifest.

    Raises:
      WeightsError: a file is missing, damaged or of another kind.
    """
    models: dict[int, DecoderModel] = {}
    digests = hashlib.sha256()
    manifest = read_manifest(folder)
    for row in manifest.models:
        model = DecoderModel(_checked(folder, row), models[row["base"]] if "base" in row else None)
        digests.update(model.digest)
        models[row["id"]] = model
    postfilter = None
    if manifest.postfilter:
        postfilter = parse_postfilter(_checked(folder, manifest.postfilter))
        digests.update(postfilter.digest)
    return Bundle(digests.digest(), models, postfilter)


def _checked(folder: Path, row: FileRow) -> bytes:
    data = read_file(folder / row["file"], MAX_WEIGHTS_BYTES)
    if hashlib.sha256(data).hexdigest() != row["sha256"]:
        raise WeightsError(f"{row['file']} does not match the manifest's sha256: copy the weights again")
    return data
