from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from tests.seeded import seeded_floats
from tests.training.runs import SMOKE
from training.data import CropSet
from training.tasks import TASKS

Seen = list[tuple[Tensor, Tensor, int]]


@pytest.mark.parametrize("task", sorted(TASKS))
def test_codec_is_renewed_every_fiftieth_iteration_the_same_way_each_time(
    crops: CropSet, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(SMOKE, task=task, architecture="smoke-many-priors", batch=2, crop=32)
    codec = seeded_floats("smoke-many-priors")
    seen: Seen = []

    def renew(pictures: Tensor, gains: Tensor, generator: torch.Generator) -> None:
        seen.append((pictures, gains, generator.initial_seed()))

    codec.requires_grad_()
    made = TASKS[task](config, codec, crops, True)
    monkeypatch.setattr(made.players[0].network, "renew", renew)
    for iteration in (0, 1, 49, 50, 51, 100, 50):
        made.prepare(iteration)
    assert [pictures.shape for pictures, _, _ in seen] == [(2, 3, 32, 32)] * 3
    assert torch.equal(seen[0][0], seen[2][0])
    assert seen[0][2] == seen[2][2] != seen[1][2]
    codec.requires_grad_(False)
