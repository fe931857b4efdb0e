"""An image set under one byte budget: the Lagrange multiplier, refinement there, and what fills the last bytes."""

from __future__ import annotations

import math
from dataclasses import dataclass

from decoder_pkg.stream import entry_size
from encoder.archive import pack_archive
from encoder.byte_budget import ELASTICITY
from encoder.candidates import Candidate
from encoder.picture_coder import LEAST_CHANGE, PARTNER_MULTIPLIERS
from encoder.presets import PRESETS
from eval.threads import one_thread

from .allocation import (
    InfeasibleBudget,
    TableAllocation,
    apply_limits,
)
from .candidate_set import CandidateSet
from .jobs import PresetRefinement, Refine
from .set_picture import PARTNER_CHANGE, SetPicture

TARGET_FILL = 0.9995
"""Share of the budget that is used at least, where the pictures allow it."""

ROUNDS = 3
"""Times that the whole set is refined at most, each at a better Lagrange multiplier."""

FINER_GAINS = PresetRefinement(PRESETS[0])


@dataclass(frozen=True)
class SetResult:
    """An archive and the allocation behind it."""

    data: bytes
    table: TableAllocation


class SetCoder(CandidateSet):
    """Archives of an image set under a byte budget."""

    def fill(self, budget: int, refine: Refine = FINER_GAINS, saving: float = 0.0, around: int = 0) -> SetResult:
        """The archive of at most `budget` bytes with the least distortion.

        Args:
          budget: bytes of the whole archive.
          refine: adds candidates for a picture at a Lagrange multiplier.
          saving: share of the bytes that refinement will save: the first fit may spend so much more.
          around: bytes of the file in which the archive will lie, which count towards the budget.

        Raises:
          InfeasibleBudget: the smallest candidates do not fit.
          TableError: a limit leaves a picture without candidates.
        """
        fixed = self._fixed_bytes()
        available = budget - fixed - around
        self._check_feasible(budget, fixed + around, saving)
        # What was refined for another target would hide how much refinement saves.
        multiplier = self.allocate(int(available / (1 - saving)), swept=True).allocation.multiplier
        if multiplier > 0:
            multiplier = self._refine(refine, multiplier, available)
        result = self._spend(self.allocate(available), available, refine, multiplier)
        data = self._archive(result)
        assert len(data) == fixed + result.allocation.bytes <= budget - around
        return SetResult(data, result)

    def _check_feasible(self, budget: int, fixed: int, saving: float) -> None:
        """Refuses a budget that the smallest candidates within the limits exceed, even after what refinement saves."""
        table = apply_limits(self.table(swept=True), self.limits)
        least = int(table.groupby("image")["bytes"].min().sum())
        if least * (1 - saving) > budget - fixed:
            whole = least + fixed
            within = f" within the limits ({'; '.join(map(str, self.limits))})" if self.limits else ""
            raise InfeasibleBudget(
                f"the smallest candidates of these {len(self.pictures)} pictures{within} take {whole} bytes with "
                f"names and headers, {whole - budget} more than the budget of {budget}"
            )

    def _refine(self, refine: Refine, multiplier: float, available: int) -> float:
        """Refines all pictures at the multiplier where they fill the budget, and some at another, to make up the rest.

        Returns:
          The Lagrange multiplier.
        """
        ratio = 1.0
        for _ in range(ROUNDS):
            multiplier *= ratio ** (1 / ELASTICITY)
            self.improve(refine, self.cheapest(multiplier, swept=True), multiplier)
            choices = self.cheapest(multiplier)
            ratio = sum(entry_size(chosen.entry(picture.name)) for picture, chosen in choices) / available
            if abs(ratio - 1) < LEAST_CHANGE:
                break
        change, some = abs(ratio - 1) * available, []
        for picture, chosen in sorted(choices, key=lambda pair: -pair[1].header.length):
            if change > 0:
                some.append((picture, chosen))
            change -= PARTNER_CHANGE * chosen.header.length
        self.improve(refine, some, multiplier * PARTNER_MULTIPLIERS[ratio > 1])
        return multiplier

    @one_thread()
    def _spend(self, result: TableAllocation, available: int, refine: Refine, multiplier: float) -> TableAllocation:
        """Adds finer candidates, one picture after another, until the budget is full.

        `multiplier` is that at which pictures were refined; a larger partner needs a lower one.
        """
        least = math.ceil(TARGET_FILL * available)
        missing = available - result.allocation.bytes

        def order(pair: tuple[SetPicture, Candidate]) -> tuple[bool, bool, int]:
            """Pictures first that can take all of it, then those that can take some at once, then small ones."""
            (picture, chosen), length = pair, pair[1].header.length
            return picture.room(chosen) < missing, picture.lacks_partner(chosen), length

        for picture, _ in sorted(self.choices(result.chosen), key=order):
            if result.allocation.bytes >= least:
                break
            chosen = dict(self.choices(result.chosen))[picture]
            if picture.lacks_partner(chosen):
                self.improve(refine, [(picture, chosen)], multiplier * PARTNER_MULTIPLIERS[0])
                result = self.allocate(available)
                chosen = dict(self.choices(result.chosen))[picture]
                if result.allocation.bytes >= least:
                    break
            left, enough = available - result.allocation.bytes, least - result.allocation.bytes
            for measured in picture.finer(chosen, range(enough, left + 1)):
                picture.add(measured)
                result = self.allocate(available)
                if result.allocation.bytes >= least:
                    break
        return result

    def _archive(self, result: TableAllocation) -> bytes:
        entries = [chosen.entry(picture.name) for picture, chosen in self.choices(result.chosen)]
        return pack_archive(self.zoo.bundle, entries)

    def _fixed_bytes(self) -> int:
        """Bytes of an archive beyond what its pictures add: magic, names, checksum."""
        entries = [next(iter(p.candidates.values())).candidate.entry(p.name) for p in self.pictures]
        return len(pack_archive(self.zoo.bundle, entries)) - sum(map(entry_size, entries))
