from __future__ import annotations

import numpy as np
import pytest
import torch

from training.loop.muon import STACK, TURNS, WEIGHT_DECAY, Muon, orthogonalise


def test_orthogonalised_matrix_has_singular_values_near_one() -> None:
    torch.manual_seed(1)
    values = torch.linalg.svdvals(orthogonalise(torch.randn(3, 32, 80)).float())
    assert values.min() > 0.5
    assert values.max() < 1.5


@pytest.mark.parametrize(("helps", "kind"), [(True, torch.bfloat16), (False, torch.float32)])
def test_products_are_in_bf16_only_where_that_is_fast(
    helps: bool, kind: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.loop.muon.bf16_helps", lambda device: helps)
    assert orthogonalise(torch.eye(32)[None]).dtype == kind


def test_every_weight_moves_in_its_turn_and_as_far_as_in_every_step() -> None:
    weights = [torch.zeros(32, 32, 1, 1, requires_grad=True) for _ in range(2 * STACK)]
    optimizer = Muon(weights, lr=0.01, weight_decay=0.0)
    moved = []
    for _ in range(TURNS):
        before = [weight.detach().clone() for weight in weights]
        for weight in weights:
            weight.grad = torch.eye(32)[:, :, None, None]
        optimizer.step()
        moved.append([not torch.equal(weight, old) for weight, old in zip(weights, before, strict=True)])
    assert np.array(moved).sum(axis=0).tolist() == [1] * len(weights)
    assert weights[0].norm().item() == pytest.approx(TURNS * 0.01 * 0.2 * 32, rel=0.3)


def test_weight_without_a_gradient_decays_instead_of_wandering_off() -> None:
    weight = torch.ones(32, 32, 1, 1, requires_grad=True)
    optimizer = Muon([weight], lr=0.01)
    for _ in range(TURNS):
        weight.grad = torch.zeros_like(weight)
        optimizer.step()
    assert weight.detach() == pytest.approx(1 - TURNS * 0.01 * WEIGHT_DECAY)
