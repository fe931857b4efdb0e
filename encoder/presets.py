"""How much time the encoder spends on a picture: a table of presets."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Preset:
    """What is done for each picture and target after the sweep.

    Attributes:
      name: for people and the cache.
      method: name of the refinement method; empty for none.
      iterations: of the refinement that counts.
      trial_iterations: of each short one that tells which model and gain deserve it.
      step_iterations: of each further refinement, at a neighbouring q, from the latents of the best so far.
      gain_steps: steps of the search over gains, from the sweep's choice.
      q_steps: steps of the search over q in 1/128, coarse first; Zhao et al. 2021 use 0.05 and 0.01.
      survivors: models tried, by their cost in the sweep.
      saving: share of the bytes that refinement is expected to save, so that it starts with the right Lagrange
        multiplier.
    """

    name: str
    method: str = ""
    iterations: int = 0
    trial_iterations: int = 0
    step_iterations: int = 0
    gain_steps: tuple[int, ...] = ()
    q_steps: tuple[int, ...] = ()
    survivors: int = 1
    saving: float = 0.0


PRESETS = (
    Preset("fast"),
    Preset("medium", "local", 75, saving=0.06),
    Preset("best", "local", 400, 10, 40, (2,), (4,), 2, 0.075),
)


def preset(name: str) -> Preset:
    """The preset of this name.

    Raises:
      KeyError: there is none.
    """
    return {row.name: row for row in PRESETS}[name]
