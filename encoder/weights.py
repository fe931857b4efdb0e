"""The encoder's half of the models: analysis weights, kept apart from what ships to the decoder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from decoder_pkg.codecs.hyperprior.synthesis import to_channels_last
from decoder_pkg.errors import WeightsError
from decoder_pkg.fields import all_of, parse_object
from decoder_pkg.gains import GAIN_COUNT, GAIN_LAMBDAS
from decoder_pkg.models import ALL_GAINS, MS_SSIM, Bundle, DecoderModel, load_bundle, read_manifest
from decoder_pkg.models import WEIGHTS as DECODER_WEIGHTS
from decoder_pkg.weight_files import TensorFile, read_weights, unpack
from eval.metrics import SQUARED_ERROR, Distortion

from .codecs.hyperprior import Analysis, CodecModel, HyperAnalysis, load_entropy
from .devices import fastest_device

WEIGHTS = Path(__file__).parent / "weights"
DIGESTS = "sha256.json"
"""In a folder of weights: the sha256 of each of its files."""

Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True)
class EncoderModel:
    """One model, both halves.

    Attributes:
      id: the id that picture headers name.
      decoder: the decoder's half.
      path: file of the analysis weights.
      sha256: of that file; empty where it is not known.
      gains: gain indices that it was trained for.
      structural: whether it was trained for MS-SSIM, not for squared error.
      base: the model to which both files hold differences; None where they hold all of it.
    """

    id: int
    decoder: DecoderModel
    path: Path
    sha256: str = ""
    gains: range = range(GAIN_COUNT)
    structural: bool = False
    base: EncoderModel | None = None

    @cached_property
    def digest(self) -> str:
        """sha256 over both halves: results made with other weights are other results, however the files are packed."""
        return hashlib.sha256(tensors_digest(self.decoder.file) + tensors_digest(self.file)).hexdigest()

    @cached_property
    def file(self) -> TensorFile:
        """Tensors of the analysis transforms and of the hyper-latents' density."""
        try:
            return read_weights(self._data, self.base.file if self.base else None)
        except WeightsError as error:
            raise WeightsError(f"{self.path}: {error}") from None

    @property
    def _data(self) -> bytes:
        try:
            data = self.path.read_bytes()
        except OSError as error:
            raise WeightsError(f"{self.path} cannot be read: {error}") from None
        if self.sha256 not in ("", hashlib.sha256(data).hexdigest()):
            raise WeightsError(f"{self.path} is another file than {DIGESTS} beside it names")
        return data

    @cached_property
    def analysis(self) -> Analysis:
        """The analysis transform in evaluation mode."""
        network = Analysis(self.decoder.arch, len(GAIN_LAMBDAS))
        return self._load(network, "analysis.")

    @cached_property
    def hyper_analysis(self) -> HyperAnalysis:
        """The hyper-analysis transform in evaluation mode."""
        return self._load(HyperAnalysis(self.decoder.arch), "hyper_analysis.")

    @property
    def prior_state(self) -> dict[str, Tensor]:
        """Parameters of the hyper-latents' density."""
        return self._part("prior.")

    def _part(self, prefix: str) -> dict[str, Tensor]:
        return {name: torch.from_numpy(array) for name, array in unpack(self.file.tensors, prefix).items()}

    def _load(self, network: Network, prefix: str) -> Network:
        network.load_state_dict(self._part(prefix))
        return to_channels_last(network.eval())


def tensors_digest(file: TensorFile) -> bytes:
    """sha256 over metadata and tensors, with names, types and shapes."""
    digest = hashlib.sha256(json.dumps(sorted(file.metadata.items())).encode())
    for name, tensor in sorted(file.tensors.items()):
        digest.update(f"{name} {tensor.dtype.str} {tensor.shape} ".encode() + np.ascontiguousarray(tensor).tobytes())
    return digest.digest()


def to_grid(x: Tensor) -> NDArray[np.float32]:
    """[1, C, h, w] float tensor to [h, w, C] float32 array."""
    grid: NDArray[np.float32] = x[0].permute(1, 2, 0).float().contiguous().numpy()
    return grid


@dataclass(frozen=True)
class Zoo:
    """All models: the decoder's bundle, both halves of each model by id, and the two folders they come from."""

    bundle: Bundle
    models: dict[int, EncoderModel]
    folders: tuple[Path, Path]

    def only(self, models: Collection[int]) -> Zoo:
        """The same with some of the models."""
        return replace(self, models={number: model for number, model in self.models.items() if number in models})

    def suited(self, distortion: Distortion) -> Zoo:
        """The models that may be best: those trained for MS-SSIM only where MS-SSIM counts."""
        return self.only([number for number, model in self.models.items() if distortion.loss or not model.structural])

    def trained_for(self, gain: int) -> EncoderModel:
        """The model that was trained for squared error, for this gain and the fewest others.

        Raises:
          ValueError: there is none.
        """
        models = self.suited(SQUARED_ERROR).models.values()
        return min((model for model in models if gain in model.gains), key=lambda model: len(model.gains))


def load_zoo(decoder_weights: Path = DECODER_WEIGHTS, encoder_weights: Path = WEIGHTS) -> Zoo:
    """Loads the decoder's bundle and finds the analysis weights of each model.

    Raises:
      WeightsError: a file is missing or damaged.
    """
    bundle = load_bundle(decoder_weights)
    models: dict[int, EncoderModel] = {}
    digests = read_digests(encoder_weights)
    for row in read_manifest(decoder_weights).models:
        number = row["id"]
        first, last = row.get("gains", ALL_GAINS)
        base = models[row["base"]] if "base" in row else None
        file, decoder, gains = row["file"], bundle.models[number], range(first, last + 1)
        if file not in digests:
            raise WeightsError(f"{encoder_weights / DIGESTS} does not name {file}")
        structural = row.get("distortion") == MS_SSIM
        path = encoder_weights / file
        models[number] = EncoderModel(number, decoder, path, digests[file], gains, structural, base)
    return Zoo(bundle, models, (decoder_weights, encoder_weights))


def read_digests(folder: Path) -> dict[str, str]:
    """The sha256 of each file of the encoder's weights, by name.

    Raises:
      WeightsError: there is no readable list of them.
    """
    try:
        return all_of(parse_object((folder / DIGESTS).read_bytes()), str)
    except (OSError, ValueError) as error:
        raise WeightsError(f"{folder / DIGESTS} cannot be read: {error}") from None


def load_float_model(model: EncoderModel) -> CodecModel:
    """The float model of exported weights, entropy networks included, in evaluation mode.

    Its entropy networks are the integers themselves, scaled: rates estimated with it are those of the integer model
    but for the rounding of activations.
    """
    codec = CodecModel(model.decoder.arch)
    codec.analysis.load_state_dict(model.analysis.state_dict())
    codec.hyper_analysis.load_state_dict(model.hyper_analysis.state_dict())
    codec.prior.load_state_dict(model.prior_state)
    codec.synthesis.load_state_dict(model.decoder.synthesis.state_dict())
    load_entropy(codec, model.decoder.entropy, model.decoder.exponents)
    to_channels_last(codec.synthesis)
    return codec.eval()


@lru_cache(maxsize=8)
def float_model(model: EncoderModel) -> CodecModel:
    """The float model of exported weights; the last few stay in memory."""
    return load_float_model(model).to(fastest_device())
