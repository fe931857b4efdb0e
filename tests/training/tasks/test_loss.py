from __future__ import annotations

import pytest
import torch

from decoder_pkg.gains import gain_lambda


def test_lambda_doubles_every_octave() -> None:
    assert gain_lambda(torch.tensor([0.0, 8.0, 48.0])).tolist() == pytest.approx([0.0004, 0.0008, 0.0256])
