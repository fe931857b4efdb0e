"""An image set under one byte budget: the Lagrange multiplier, refinement there, and what fills the last bytes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from decoder_pkg.stream import entry_size
from encoder.byte_budget import ELASTICITY, TARGET_FILL
from encoder.candidates import Candidate, pack_archive
from encoder.picture_coder import LEAST_CHANGE, PARTNER_MULTIPLIERS

from .allocation import InfeasibleBudget, TableAllocation, allocate_table, apply_limits, smallest_rows
from .candidate_set import CandidateSet
from .jobs import Refine, Start
from .set_picture import PARTNER_CHANGE, SetPicture
from .settling import near

ROUNDS = 3
"""Times that the whole set is refined at most, each at a better Lagrange multiplier."""


ROUGHLY = 2
"""Rounds in which settings near several budgets are coded; each budget then goes on by itself."""


@dataclass(frozen=True)
class SetResult:
    """An archive and the allocation behind it."""

    data: bytes
    table: TableAllocation


class SetCoder(CandidateSet):
    """Archives of an image set under a byte budget."""

    def prepare(self, budgets: Sequence[int], refined: bool = False) -> None:
        """Predicts all settings, and codes those that archives of these bytes choose, for all of them together.

        Args:
          budgets: bytes of the whole archives.
          refined: latents will be refined: the choice is not coded before.
        """
        goals = [near(budget - self._fixed_bytes(), self.distortion) for budget in budgets]
        self.predict(goals)
        if not refined:
            self.settle(goals, ROUGHLY)

    def fill(self, budget: int, refine: Refine | None = None, saving: float = 0.0, around: int = 0) -> SetResult:
        """The archive of at most `budget` bytes with the least distortion.

        Args:
          budget: bytes of the whole archive.
          refine: finds refined candidates of a picture; without it latents stay as they are.
          saving: share of the bytes that refinement will save: the first fit may spend so much more.
          around: bytes of the file in which the archive will lie, which count towards the budget.

        Raises:
          InfeasibleBudget: the smallest candidates do not fit.
          TableError: a limit leaves a picture without candidates.
        """
        fixed = self._fixed_bytes()
        available = budget - fixed - around
        multiplier = self._multiplier(int(available / (1 - saving))) if refine else 0.0
        if refine and multiplier > 0:
            multiplier = self._refine(refine, multiplier, available)
        if multiplier == 0 or self._least() > available:
            self.settle([self.within(available)])
            self._check_feasible(budget, fixed + around)
        self.progress.phase("packing", 0.0)
        result = self._spend(self.allocate(available), available, refine, multiplier)
        data = self._archive(result)
        assert len(data) == fixed + result.allocation.bytes <= budget - around
        return SetResult(data, result)

    def _multiplier(self, available: int) -> float:
        """The Lagrange multiplier at which latents that were not refined would take so many bytes; 0 if none do.

        What was refined for another target would hide how much refinement saves.
        """
        try:
            return allocate_table(self.predicted(refined=False), available, self.distortion).allocation.multiplier
        except InfeasibleBudget:
            return 0.0

    def _least(self) -> int:
        """Bytes of the smallest candidates within the limits."""
        return int(smallest_rows(apply_limits(self.table(), self.limits))["bytes"].sum())

    def _check_feasible(self, budget: int, fixed: int) -> None:
        """Refuses a budget that the smallest candidates within the limits exceed."""
        whole = self._least() + fixed
        if whole > budget:
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
            self.improve(refine, self.starts(multiplier), multiplier)
            choices = self.cheapest(multiplier)
            ratio = sum(entry_size(chosen.entry(picture.name)) for picture, chosen in choices) / available
            if abs(ratio - 1) < LEAST_CHANGE:
                break
        change, some = abs(ratio - 1) * available, dict[SetPicture, Start]()
        for picture, chosen in sorted(choices, key=lambda pair: -pair[1].header.length):
            if change > 0:
                some[picture] = self.again(picture, chosen)
            change -= PARTNER_CHANGE * chosen.header.length
        self.improve(refine, some, multiplier * PARTNER_MULTIPLIERS[ratio > 1])
        return multiplier

    def _spend(
        self, result: TableAllocation, available: int, refine: Refine | None, multiplier: float
    ) -> TableAllocation:
        """Adds finer candidates, one picture after another, until the budget is full.

        `multiplier` is that at which pictures were refined; a larger partner needs a lower one.
        """
        least = math.ceil(TARGET_FILL * available)
        missing = available - result.allocation.bytes

        def order(pair: tuple[SetPicture, Candidate]) -> tuple[bool, bool, int]:
            """Pictures first that can take all of it, then those that can take some at once; small ones, where latents
            were refined, for they are quick, else large ones, of which it is the least share.
            """
            (picture, chosen), length = pair, pair[1].header.length
            refined = chosen.header not in picture.plain
            return picture.room(chosen) < missing, picture.lacks_partner(chosen), length if refined else -length

        for picture, _ in sorted(self.choices(result.chosen), key=order):
            if result.allocation.bytes >= least:
                break
            chosen = dict(self.choices(result.chosen))[picture]
            if refine and picture.lacks_partner(chosen):
                self.improve(refine, {picture: self.again(picture, chosen)}, multiplier * PARTNER_MULTIPLIERS[0])
                result = self.allocate(available)
                chosen = dict(self.choices(result.chosen))[picture]
                if result.allocation.bytes >= least:
                    break
            left, enough = available - result.allocation.bytes, least - result.allocation.bytes
            filling = picture.filling(chosen, range(enough, left + 1))
            if filling:
                self._work.run({picture: filling}, "filling", plain=chosen.header in picture.plain)
                result = self.allocate(available)
        return result

    def _archive(self, result: TableAllocation) -> bytes:
        entries = [chosen.entry(picture.name) for picture, chosen in self.choices(result.chosen)]
        return pack_archive(self.zoo.bundle, entries)

    def _fixed_bytes(self) -> int:
        """Bytes of an archive beyond what its pictures add: magic, names, checksum."""
        entries = [picture.empty for picture in self.pictures]
        return len(pack_archive(self.zoo.bundle, entries)) - sum(map(entry_size, entries))
