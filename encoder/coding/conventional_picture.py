"""A picture under a codec that has nothing to learn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from decoder_pkg.codecs import CodingSetting, Integers
from decoder_pkg.errors import PayloadError
from decoder_pkg.grids import LATENT_STRIDE
from decoder_pkg.pixels.filters import FilterChain
from decoder_pkg.pixels.render import assemble
from eval.metrics import Metric

from ..codecs import ConventionalCodec, ModelSetting, NotCoded, position
from ..pictures import Pixels
from .estimate import Estimate, Window, windowed_losses
from .interface import ModelPicture
from .payload import QuantisedPicture, given


class ConventionalPicture(ModelPicture):
    """A picture as a conventional codec codes it; estimates are quick codings of the whole, corrected."""

    def quantise(self, setting: CodingSetting) -> QuantisedPicture:
        return given(self.model.decoder.codec, self._integers(setting, quick=False), self.size, setting)

    def estimate(self, setting: CodingSetting, metrics: Sequence[Metric]) -> Estimate:
        quantised = given(self.model.decoder.codec, self._integers(setting, quick=True), self.size, setting)
        try:
            picture = assemble(self.rendered(quantised, setting, 0), *self.size, FilterChain())
        except PayloadError as error:
            raise NotCoded(str(error)) from None

        def decoded(window: Window) -> Pixels:
            rows, columns = (span.target(LATENT_STRIDE, side) for span, side in zip(window, self.size, strict=True))
            return np.ascontiguousarray(picture[rows, columns])

        quick = windowed_losses(self.pixels, decoded, metrics)
        losses = {column: self._codec.real_losses * loss for column, loss in quick.items()}
        whole = {one.column: one.measure(self.pixels, picture) for one in metrics if one.is_sum}
        samplings = {column: loss / quick[column] if quick[column] else 1.0 for column, loss in whole.items()}
        return Estimate(position(setting.gain.base, setting.q), quantised.ideal_bits, losses, samplings)

    def _integers(self, setting: CodingSetting, quick: bool) -> Integers:
        return self._codec.code(self.pixels, ModelSetting(self.model.id, setting.gain.base, setting.q), quick)

    @property
    def _codec(self) -> ConventionalCodec:
        assert self.model.conventional
        return self.model.conventional
