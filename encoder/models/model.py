"""One model: the decoder's half, and the encoder's, which is kept apart from what ships."""

from __future__ import annotations

import copy
import hashlib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from decoder_pkg.codecs import codec_of
from decoder_pkg.codecs.transforms.synthesis import to_channels_last
from decoder_pkg.errors import WeightsError
from decoder_pkg.gains import GAIN_COUNT
from decoder_pkg.models import MANIFEST, DecoderModel, read_file
from decoder_pkg.weight_files import MAX_WEIGHTS_BYTES, TensorFile, read_weights, tensors_digest, unpack
from eval.metrics import PSNR

from ..codecs import ConventionalCodec, FloatCodec, conventional_codec, float_codec, load_layers
from .devices import fastest_device


@dataclass(frozen=True)
class EncoderModel:
    """One model, both halves.

    Attributes:
      id: the id that picture headers name.
      decoder: the decoder's half.
      path: file of the analysis weights.
      sha256: of that file; empty where it is not known.
      gains: gain indices that it was trained for.
      metric: key of the metric that it was trained for.
      base: the model to which both files hold deltas; None where they hold all of it.
    """

    id: int
    decoder: DecoderModel
    path: Path
    sha256: str = ""
    gains: range = range(GAIN_COUNT)
    metric: str = PSNR.key
    base: EncoderModel | None = None

    @cached_property
    def conventional(self) -> ConventionalCodec | None:
        """The codec that codes pictures without any network; None where the model is learned."""
        return conventional_codec(self.decoder.arch)

    @cached_property
    def digest(self) -> str:
        """sha256 over both halves: results made with other weights are other results, however the files are packed."""
        return hashlib.sha256(self.decoder.digest + tensors_digest(self.file)).hexdigest()

    @cached_property
    def file(self) -> TensorFile:
        """Tensors of the analysis transforms and of the hyper-latents' density."""
        try:
            return read_weights(self._data, self.base.file if self.base else None)
        except WeightsError as error:
            raise WeightsError(f"{self.path}: {error}") from None

    @property
    def _data(self) -> bytes:
        data = read_file(self.path, MAX_WEIGHTS_BYTES)
        if self.sha256 not in ("", hashlib.sha256(data).hexdigest()):
            raise WeightsError(f"{self.path} is another file than {MANIFEST} beside it names")
        return data

    @cached_property
    def floats(self) -> FloatCodec[Any]:
        """The float half, entropy networks included, in evaluation mode on the CPU; it takes no gradient.

        Its entropy networks are the integers themselves, scaled: rates estimated with it are those of the integer
        model but for the rounding of activations.

        Raises:
          WeightsError: the tensors do not fit the architecture.
        """
        codec = float_codec(self.decoder.arch)
        integer = {layer.module for layer in codec_of(codec.arch).layers(codec.arch)}
        arrays = unpack(self.file.tensors, "")
        arrays |= {
            f"synthesis.{name}": array for name, array in unpack(self.decoder.file.tensors, "synthesis.").items()
        }
        state = {name: torch.from_numpy(array) for name, array in arrays.items()}
        try:
            missing, unexpected = codec.load_state_dict(state, strict=False)
        except RuntimeError as error:
            raise WeightsError(f"{self.path}: the weights do not fit the architecture: {error}") from None
        lacking = [name for name in missing if name.rpartition(".")[0] not in integer]
        if lacking or unexpected:
            raise WeightsError(f"{self.path} lacks weights, or has too many: {[*lacking, *unexpected][:3]}")
        load_layers(codec, self.decoder)
        for name, network in codec.named_children():
            if name not in {module.partition(".")[0] for module in integer}:
                to_channels_last(network)
        return codec.eval().requires_grad_(False)


def to_grid(x: Tensor) -> NDArray[np.float32]:
    """[1, C, h, w] float tensor to [h, w, C] float32 array."""
    grid: NDArray[np.float32] = x[0].permute(1, 2, 0).float().contiguous().numpy()
    return grid


@lru_cache(maxsize=8)
def float_model(model: EncoderModel) -> FloatCodec[Any]:
    """The float half of a model where latents are refined; the last few stay in memory."""
    device = fastest_device()
    return model.floats if device.type == "cpu" else copy.deepcopy(model.floats).to(device)
