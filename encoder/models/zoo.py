"""All models, and where their weights lie: the shipped ones, and those of trained codecs beside them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from decoder_pkg.errors import WeightsError
from decoder_pkg.models import MANIFEST, Bundle, load_bundle, read_manifest
from decoder_pkg.models import WEIGHTS as DECODER_WEIGHTS
from eval.metrics import PSNR, SQUARED_ERROR, Distortion

from .manifest import ALL_GAINS, read_encoder_manifest
from .model import EncoderModel

WEIGHTS = Path(__file__).parents[1] / "weights"

ZOO = Path(__file__).parents[1] / "zoo"
"""Trained codecs beside the shipped models: <codec>/decoder and <codec>/encoder hold weights as the shipped folders do.
"""

NEAR = 4
"""Gains by which a fine-tuned model's choice may lie beside that of the model it came from."""


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
        """The models that may be best: those trained for squared error, and those for a metric that counts."""
        wanted = distortion.keys | {PSNR.key}
        return self.only([number for number, model in self.models.items() if model.metric in wanted])

    @property
    def learned(self) -> Zoo:
        """The same with the models that have networks."""
        return self.only([number for number, model in self.models.items() if not model.conventional])

    @property
    def parents(self) -> dict[int, int]:
        """The model that each was fine-tuned from, where it is in the zoo and serves all of its gains."""
        pairs = ((number, model, model.base) for number, model in self.models.items() if model.base)
        return {
            number: base.id
            for number, model, base in pairs
            if base.id in self.models and {model.gains[0], model.gains[-1]} <= set(base.gains)
        }

    @property
    def origins(self) -> list[int]:
        """Models that were not fine-tuned from another one of the zoo."""
        return [number for number in self.models if number not in self.parents]

    def specialists(self, gain: int) -> list[int]:
        """Fine-tuned models that may be better than the one they came from, where that one would take a gain."""
        near = range(gain - NEAR, gain + NEAR + 1)
        found = {number: self.models[number].gains for number in self.parents}
        return [number for number, gains in found.items() if gains[0] < near.stop and gains[-1] >= near.start]

    def trained_for(self, gain: int) -> EncoderModel:
        """The learned model that was trained for squared error, for this gain and the fewest others.

        Raises:
          ValueError: there is none.
        """
        models = self.learned.suited(SQUARED_ERROR).models.values()
        return min((model for model in models if gain in model.gains), key=lambda model: len(model.gains))


def trained_codecs() -> list[str]:
    """Names of the codecs beside the shipped models."""
    return sorted(path.parent.parent.name for path in ZOO.glob(f"*/decoder/{MANIFEST}"))


def weight_folders(codec: str | None = None) -> tuple[Path, Path]:
    """Folders of the decoder's and the encoder's weights: the shipped ones, or those of a codec beside them."""
    return (ZOO / codec / "decoder", ZOO / codec / "encoder") if codec else (DECODER_WEIGHTS, WEIGHTS)


def load_zoo(decoder_weights: Path = DECODER_WEIGHTS, encoder_weights: Path = WEIGHTS) -> Zoo:
    """Loads the decoder's bundle and finds the analysis weights of each model.

    Raises:
      WeightsError: a file is missing or damaged.
    """
    bundle = load_bundle(decoder_weights)
    models: dict[int, EncoderModel] = {}
    known = read_encoder_manifest(encoder_weights).models
    for row in read_manifest(decoder_weights).models:
        number = row["id"]
        if number not in known or known[number]["file"] != row["file"]:
            raise WeightsError(f"{encoder_weights / MANIFEST} does not name model {number} with {row['file']}")
        facts = known[number]
        first, last = facts.get("gains", ALL_GAINS)
        models[number] = EncoderModel(
            id=number,
            decoder=bundle.models[number],
            path=encoder_weights / row["file"],
            sha256=facts["sha256"],
            gains=range(first, last + 1),
            metric=facts.get("distortion", PSNR.key),
            base=models[row["base"]] if "base" in row else None,
        )
    return Zoo(bundle, models, (decoder_weights, encoder_weights))
