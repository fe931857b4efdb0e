"""The bundle: every model the decoder ships, found by the id a picture header names."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import numpy as np
from numpy.typing import NDArray

from .architecture import CAUSAL, GAIN_LAMBDAS, QUADTREE, Architecture, architecture
from .archive import BUNDLE_ID_BYTES
from .entropy_model import SCALE_BINS, EntropyModel
from .errors import WeightsError
from .fixed_point import ACTIVATION_LIMIT, OUTPUT_LIMIT, IntegerConv, build_conv, split_outputs
from .packed_weights import unpack
from .quadtree import GROUPS
from .safetensors_reader import TensorFile, parse_safetensors
from .tables import CodingTable, build_table

# torch takes most of the start-up: what needs only the latents, and every error before the pixels, does without it.
if TYPE_CHECKING:
    from .postfilter import PostFilter
    from .synthesis import Synthesis

WEIGHTS = Path(__file__).parent / "weights"
MANIFEST = "manifest.json"
MAX_MANIFEST_BYTES, MAX_WEIGHTS_BYTES = 2**20, 2**26
MAX_MODELS = 256
HYPER_LAYERS = ("hyper.enter", "hyper.up32", "hyper.middle", "hyper.up16", "hyper.mean", "hyper.scale")
CONTEXT_LAYERS = {
    CAUSAL: ("context.enter", "context.hidden", "context.leave"),
    QUADTREE: (
        "context.embed",
        *(f"context.enter{step}" for step in range(1, GROUPS)),
        *(f"context.{part}{step}" for step in range(GROUPS) for part in ("hidden", "mean", "scale")),
    ),
}
OUTPUT_LAYERS = ("hyper.mean", "context.leave", "context.mean", "context.scale")
"""Layers whose result leaves the network: not limited to an activation's range."""

GROUP_LAYERS = ("context.mean", "context.scale")
"""Layers of which each position needs one group of outputs only."""


class Ledger(TypedDict, total=False):
    """How a model was trained."""

    iterations: int
    hours: float


class ManifestRow(Ledger):
    """A model in the manifest."""

    id: int
    name: str
    file: str
    sha256: str


class DecoderModel:
    """One model: parsed weights, networks built on first use.

    Attributes:
      digest: sha256 of the file.
      arch: its architecture.
      exponents: power-of-two scale of each integer layer's output, for the float twin.
    """

    def __init__(self, data: bytes) -> None:
        """Parses a weight file.

        Raises:
          WeightsError: it is damaged or names an unknown architecture.
        """
        self.digest = hashlib.sha256(data).digest()
        self._file: TensorFile = parse_safetensors(data)
        try:
            self.arch: Architecture = architecture(int(self._file.metadata["architecture"]))
            self.exponents: dict[str, int] = json.loads(self._file.metadata["exponents"])
        except (KeyError, ValueError, TypeError, OverflowError, RecursionError) as error:
            raise WeightsError(f"the weight file names no known architecture: {error}") from None

    def build(self) -> None:
        """Builds the networks now, so that the first picture takes no longer than the others.

        Raises:
          WeightsError: the tensors do not fit the architecture.
        """
        _ = self.entropy, self.synthesis

    def _get(self, name: str) -> NDArray[np.generic]:
        if name not in self._file.tensors:
            raise WeightsError(f"the weight file lacks {name}")
        return self._file.tensors[name]

    @cached_property
    def entropy(self) -> EntropyModel:
        """The integer entropy model."""
        support = self._get("gaussian.support")
        latent_tables = _split_tables(self._get("gaussian.frequency"), support, np.zeros_like(support))
        table_of_bin, log_q = self._get("gaussian.table_of_bin"), self._get("log_q")
        if table_of_bin.shape != (SCALE_BINS,) or table_of_bin.max() >= len(latent_tables) or log_q.shape != (256,):
            raise WeightsError("the scale bins do not fit the coding tables")
        return EntropyModel(
            self.arch,
            self._layers(),
            self._hyper_tables(),
            latent_tables,
            table_of_bin.astype(np.uint8),
            log_q.astype(np.int64),
        )

    def _layers(self) -> dict[str, IntegerConv]:
        layers = {name: self._layer(name) for name in HYPER_LAYERS + CONTEXT_LAYERS[self.arch.context]}
        for name in [name for name in layers if name.startswith(GROUP_LAYERS)]:
            for group, part in enumerate(split_outputs(layers[name], GROUPS)):
                layers[f"{name}.{group}"] = part
        return layers

    def _layer(self, name: str) -> IntegerConv:
        weight, bias, shift = (self._get(f"{name}.{part}") for part in ("weight", "bias", "shift"))
        limit = OUTPUT_LIMIT if name.startswith(OUTPUT_LAYERS) else ACTIVATION_LIMIT
        return build_conv(weight.astype(np.int16), bias.astype(np.int64), shift.astype(np.int8), limit)

    def _hyper_tables(self) -> list[list[CodingTable]]:
        support, offset = self._get("hyper_prior.support"), self._get("hyper_prior.offset")
        if support.shape != (len(GAIN_LAMBDAS), self.arch.hyper_channels) or offset.shape != support.shape:
            raise WeightsError(f"hyper-latent tables of shape {support.shape} do not fit the architecture")
        flat = _split_tables(self._get("hyper_prior.frequency"), support.reshape(-1), offset.reshape(-1))
        channels = self.arch.hyper_channels
        return [flat[start : start + channels] for start in range(0, len(flat), channels)]

    @cached_property
    def synthesis(self) -> Synthesis:
        """The float synthesis network in evaluation mode, on the CPU."""
        import torch

        from .synthesis import Synthesis, to_channels_last

        network = Synthesis(self.arch, len(GAIN_LAMBDAS))
        state = {name: torch.from_numpy(array) for name, array in unpack(self._file.tensors, "synthesis.").items()}
        try:
            network.load_state_dict(state)
        except RuntimeError as error:
            raise WeightsError(f"the synthesis weights do not fit the architecture: {error}") from None
        return to_channels_last(network.eval())


def _split_tables(
    frequency: NDArray[np.generic], support: NDArray[np.generic], offset: NDArray[np.generic]
) -> list[CodingTable]:
    sizes = 2 * support.astype(np.int64) + 2
    if frequency.shape != (int(sizes.sum()),):
        raise WeightsError("the coding tables do not cover their frequencies exactly")
    parts = np.split(frequency.astype(np.uint32), np.cumsum(sizes)[:-1])
    return [build_table(part, int(middle)) for part, middle in zip(parts, offset.astype(np.int64), strict=True)]


@dataclass(frozen=True)
class Bundle:
    """The models of a weights folder.

    Attributes:
      id: first 8 bytes of the sha256 over the model files' sha256, in the manifest's order.
      models: by the id that picture headers name.
      postfilter: what the strength m of a picture header asks for.
    """

    id: bytes
    models: dict[int, DecoderModel]
    postfilter: PostFilter | None = None


def load_bundle(folder: Path = WEIGHTS) -> Bundle:
    """Loads every model of a weights folder and checks each file against the manifest.

    Raises:
      WeightsError: a file is missing, damaged or of another kind.
    """
    models, digests = {}, hashlib.sha256()
    for row in read_manifest(folder):
        data = _read(folder / row["file"], MAX_WEIGHTS_BYTES)
        if hashlib.sha256(data).hexdigest() != row["sha256"]:
            raise WeightsError(f"{row['file']} does not match the manifest's sha256: copy the weights again")
        model = DecoderModel(data)
        digests.update(model.digest)
        models[row["id"]] = model
    return Bundle(digests.digest()[:BUNDLE_ID_BYTES], models)


def read_manifest(folder: Path) -> list[ManifestRow]:
    """Rows of the manifest's table of models: ids are different, files lie in the folder.

    Raises:
      WeightsError: there is no readable manifest.
    """
    try:
        rows: list[ManifestRow] = json.loads(_read(folder / MANIFEST, MAX_MANIFEST_BYTES))["models"]
        for row in rows:
            if type(row["id"]) is not int or not 0 <= row["id"] < MAX_MODELS:
                raise ValueError(f"{row['id']!r} is no id from 0 to {MAX_MODELS - 1}")
            if not isinstance(row["sha256"], str) or Path(row["file"]).name != row["file"]:
                raise ValueError(f"{row['file']!r} is no file of the folder, or has no digest")
        if len({row["id"] for row in rows}) != len(rows) or len({row["file"] for row in rows}) != len(rows):
            raise ValueError("two models share an id or a file")
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise WeightsError(f"{folder / MANIFEST} is damaged: {error}") from None
    return rows


def _read(path: Path, most: int) -> bytes:
    try:
        if path.stat().st_size > most:
            raise WeightsError(f"{path} has more than {most} bytes")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from None
