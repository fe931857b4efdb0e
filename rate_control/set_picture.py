"""One picture of a set and the candidates known so far."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from decoder_pkg.stream import ImageHeader, entry_size
from encoder.cache import CandidateCache
from encoder.candidates import Candidate, Measured
from encoder.picture_coder import PictureCoder
from encoder.pictures import load_with_notes
from encoder.weights import Zoo
from eval.metrics import Metric

FINE_STEPS = (1, 2, 3, 4, 6, 8, 11, 15)
"""Changes of q by which a picture that was not refined spends what is left."""


PARTNER_CHANGE = 0.12
"""Share of a stream's bytes by which its partner, refined at another Lagrange multiplier, is expected to differ."""


class SetPicture:
    """A picture's file, coder and candidates; `swept` names those that were not refined."""

    def __init__(self, file: Path, zoo: Zoo, cache: CandidateCache, metrics: Sequence[Metric]) -> None:
        pixels = load_with_notes(file)
        self.file, self.name, self.pixels = file.absolute(), file.stem, pixels.shape[0] * pixels.shape[1]
        self.coder = PictureCoder(pixels, zoo, cache, metrics)
        self.candidates: dict[ImageHeader, Measured] = {}
        self.swept: frozenset[ImageHeader] = frozenset()

    def add(self, measured: Measured) -> None:
        """Remembers a candidate."""
        self.candidates[measured.candidate.header] = measured

    def rows(self, headers: Iterable[ImageHeader]) -> Iterator[dict[str, object]]:
        """Rows of a candidate table, with model, gain, q and how many post-filters are on."""
        for header in headers:
            measured = self.candidates[header]
            yield {
                "image": self.name,
                "candidate": header,
                "model": header.model,
                "gain": header.gain,
                "q": header.q,
                "filters": len(header.filters),
                "bytes": entry_size(measured.candidate.entry(self.name)),
                **measured.losses,
                "pixels": self.pixels,
            }

    def larger(self, chosen: Candidate) -> Candidate | None:
        """The next larger refined candidate of the same setting: there is one where latents were refined twice."""
        larger = [
            measured.candidate
            for header, measured in self.candidates.items()
            if header.setting == chosen.header.setting and header.length > chosen.header.length
            if header not in self.swept
        ]
        return min(larger, key=lambda candidate: candidate.header.length, default=None)

    def room(self, chosen: Candidate) -> float:
        """Bytes by which this choice could grow, roughly where its partner is still to be made."""
        larger, length = self.larger(chosen), chosen.header.length
        return larger.header.length - length if larger else PARTNER_CHANGE * length

    def lacks_partner(self, chosen: Candidate) -> bool:
        """Whether latents were refined for this choice, and none for a larger one of the same setting."""
        header = chosen.header
        plain = self.coder.encode(header.model, header.gain, header.q).candidate
        return chosen.payload != plain.payload and not self.larger(chosen)

    def finer(self, chosen: Candidate, more: range) -> Iterator[Measured]:
        """Candidates a little larger than the choice: between refined ones, or at other steps q.

        Args:
          chosen: the picture's choice.
          more: how many bytes more are wanted.
        """
        larger, header = self.larger(chosen), chosen.header
        if larger:
            yield from self.coder.between(chosen, larger, range(header.length + more.start, header.length + more.stop))
        elif not self.lacks_partner(chosen):
            for step in FINE_STEPS:
                for q in (header.q - step, header.q + step):
                    if 1 <= q <= 255:
                        yield self.coder.encode(header.model, header.gain, q)
