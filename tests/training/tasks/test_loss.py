from __future__ import annotations

import pytest
import torch

from training.tasks.loss import lagrangian


def test_lambda_doubles_every_octave() -> None:
    assert lagrangian(torch.tensor([0, 8, 48])).tolist() == pytest.approx([0.0004, 0.0008, 0.0256])
