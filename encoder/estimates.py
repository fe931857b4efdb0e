"""What one picture is expected to take and to lose under each model, at a few settings of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict

from eval.metrics import Metric
from eval.storage import load_rows, save_rows

from .candidates import CandidateCache
from .codecs import ModelSetting, NotCoded, coding_setting
from .coding import ESTIMATION, Estimate, ModelPicture
from .models import EncoderModel, Zoo, arithmetic
from .prediction import anchors, competes, settings_of


class Estimates:
    """The estimates of a picture at the anchors of each model, made lazily and remembered."""

    def __init__(
        self,
        zoo: Zoo,
        cache: CandidateCache,
        digest: str,
        picture: Callable[[int], ModelPicture],
        metrics: Sequence[Metric],
    ) -> None:
        """Prepares a picture.

        Args:
          zoo: the models.
          cache: where results are kept.
          digest: of the picture.
          picture: it under a model.
          metrics: what is measured, the squared error first.
        """
        self._zoo, self._cache, self._digest = zoo, cache, digest
        self._picture, self._metrics = picture, metrics
        self._found: dict[int, Sequence[Estimate]] = {}

    def of(self, model: int) -> Sequence[Estimate]:
        """A model's estimates at its anchors, by rising position; from the cache where they are known.

        A conventional codec has none where it cannot code the picture, or learned models serve it better.
        """
        if model not in self._found:
            path = self._cache.path(self._digest, "estimates", *self._made_under(self._zoo.models[model]))
            rows = load_rows(path)
            found = self._make(self._zoo.models[model]) if rows is None else [Estimate(**row) for row in rows]
            if rows is None:
                save_rows(path, [asdict(one) for one in found])
            self._found[model] = found
        return self._found[model]

    def _made_under(self, model: EncoderModel) -> tuple[object, ...]:
        """What estimates of a model depend on beside the picture."""
        key = model.digest, ESTIMATION, self._anchors(model), [metric.key for metric in self._metrics]
        if not model.conventional:
            return *key, arithmetic()
        return *key, model.conventional.version, [self._zoo.models[other].digest for other in self._learned_origins]

    def _anchors(self, model: EncoderModel) -> list[ModelSetting]:
        if model.conventional:
            return model.conventional.anchors(model.id)
        return anchors(settings_of(self._zoo, model.id), alone=model.id not in self._zoo.parents)

    def _make(self, model: EncoderModel) -> list[Estimate]:
        picture, found = self._picture(model.id), list[Estimate]()
        try:
            for at in self._anchors(model):
                found.append(picture.estimate(coding_setting(at.gain, at.q), self._metrics))
                if model.conventional and len(found) == 1 and not self._competes(picture, found[0]):
                    return []
        except NotCoded:
            return []
        return sorted(found, key=lambda one: one.position)

    def _competes(self, picture: ModelPicture, other: Estimate) -> bool:
        learned = {number: self.of(number) for number in self._learned_origins}
        return competes(self._zoo, learned, other, picture.size[0] * picture.size[1])

    @property
    def _learned_origins(self) -> list[int]:
        return [number for number in self._zoo.origins if not self._zoo.models[number].conventional]
