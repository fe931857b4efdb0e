"""Networks of CompressAI compute here what they compute there.

The library's own figures are those of `make.py`, beside this file.
"""

from __future__ import annotations

import copy
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from decoder_pkg.entropy import Q_ONE
from decoder_pkg.pixels.filters import FilterChain
from encoder.codecs import coding_setting
from encoder.coding import AnalysedPicture
from encoder.models import EncoderModel
from tests.seeded import in_integers, photograph_crops
from training.compressai import KINDS, CheckpointError, Imported, import_state, read_state
from training.compressai.checkpoint import State
from training.compressai.kinds import nearest_octave

FOLDER = Path(__file__).parent
NAMES = sorted(file.stem for file in FOLDER.glob("*.npz"))
EVERY = pytest.mark.parametrize("kind", NAMES)
LAMBDA, GAIN = 0.0128, 40
SHIFT = 5e-5
"""Of a sample: what other orders of summation may do."""


def tensors(kind: str) -> dict[str, torch.Tensor]:
    whole: dict[str, torch.Tensor] = torch.load(FOLDER / f"{kind}.pth.tar", weights_only=True)["state_dict"]
    return whole


@cache
def imported(kind: str) -> Imported:
    found = import_state(read_state(FOLDER / f"{kind}.pth.tar"), LAMBDA)
    found.model.requires_grad_(False)
    return found


@cache
def integers(kind: str) -> EncoderModel:
    batches = [(photograph_crops(), torch.tensor([gain, gain])) for gain in imported(kind).gains[::8]]
    return in_integers(imported(kind).model, batches)


@EVERY
def test_float_network_computes_what_the_library_does(kind: str) -> None:
    known, found = np.load(FOLDER / f"{kind}.npz"), copy.deepcopy(imported(kind))
    found.model.converge()
    assert found.kind == kind
    there = found.model(torch.from_numpy(known["picture"]) / 255, torch.tensor([GAIN]))
    assert known["decoded"].std() > 0.05
    assert np.abs(there.picture.numpy() - known["decoded"]).max() < SHIFT
    assert float(there.estimated_bits) == pytest.approx(float(known["bits"]), rel=1e-4)


@EVERY
def test_stream_takes_the_bits_that_the_library_estimates_and_decodes_exactly(kind: str) -> None:
    known, model = np.load(FOLDER / f"{kind}.npz"), integers(kind)
    pixels = known["picture"][0].transpose(1, 2, 0).copy()
    picture, setting = AnalysedPicture(pixels, model), coding_setting(GAIN, Q_ONE)
    latents = picture.latents(setting.gain)
    assert picture.quantise(setting, latents).ideal_bits == pytest.approx(float(known["bits"]), rel=0.01)
    _, decoded = picture.encode(setting, latents, FilterChain())  # which decodes the integers back, and compares
    assert np.abs(decoded / 255.0 - known["decoded"][0].transpose(1, 2, 0).clip(0, 1)).max() < 0.52 / 255


@pytest.mark.parametrize("kind", [name for name in NAMES if "factorized" in name])
def test_other_gains_code_with_finer_and_coarser_steps(kind: str) -> None:
    model, picture = imported(kind), torch.from_numpy(np.load(FOLDER / f"{kind}.npz")["picture"]) / 255
    found = [model.model(picture, torch.tensor([gain])) for gain in (24, 40, 48)]
    bits = [float(there.estimated_bits) for there in found]
    errors = [float((there.picture - picture).square().mean()) for there in found]
    assert bits == sorted(bits)
    assert errors[0] == max(errors)
    assert (model.gains[0], model.gains[-1]) == (24, 48)


def test_network_whose_scales_see_the_latents_serves_the_gain_of_its_training() -> None:
    assert list(imported("bmshj2018-hyperprior").gains) == [GAIN]


@pytest.mark.parametrize(("value", "octave"), [(1e-6, 0), (0.0018, 2), (0.0130, 5), (0.18, 6)])
def test_lambda_outside_the_range_of_gains_takes_the_last_of_them(value: float, octave: int) -> None:
    assert nearest_octave(value) == octave


@EVERY
def test_names_of_earlier_versions_are_known(kind: str, tmp_path: Path) -> None:
    names = {"entropy_bottleneck.matrices.": "_matrix", "entropy_bottleneck.biases.": "_bias"}
    older = {}
    for name, value in tensors(kind).items():
        for new, old in names.items():
            name = name.replace(new, f"entropy_bottleneck.{old}")
        older[f"module.{name}"] = value
    torch.save(older, tmp_path / "old.pth")
    assert import_state(read_state(tmp_path / "old.pth"), LAMBDA).kind == kind


@EVERY
def test_checkpoint_that_lacks_a_tensor_names_it(kind: str) -> None:
    whole = tensors(kind)
    names = list(State(whole)._tensors)
    for name in names[:: 1 + len(names) // 50]:
        rest = {other: value for other, value in whole.items() if other != name}
        why = rf"it lacks {name}|it is no network that can be read|lacks: \['g_a.1.gamma'"
        with pytest.raises(CheckpointError, match=why):
            import_state(State(rest), LAMBDA)


@EVERY
@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("{place}.weight", torch.zeros(8, 8, 1, 3), r"{place}.weight is torch.float32 \(8, 8, 1, 3\)"),
        ("{place}.bias", torch.full((8,), torch.nan), "{place}.bias holds values that are no finite numbers"),
        ("{place}.bias", torch.zeros(8, dtype=torch.int64), "not floating point"),
        ("{first}.weight", torch.zeros(100_000, 1), "is 100000, not from 1 to"),
        ("{first}.weight", torch.zeros(()), "it lacks {first}.weight"),
        ("g_a.10.weight", torch.zeros(3), "lacks: .'g_a.10.weight'."),
    ],
)
def test_damaged_tensor_is_named(kind: str, name: str, value: torch.Tensor, why: str) -> None:
    whole = tensors(kind)
    first, place = ("g_a.0.conv1", "g_a.2.conv2") if "g_a.0.conv1.weight" in whole else ("g_a.0", "g_a.2")
    name, why = (text.format(first=first, place=place) for text in (name, why))
    with pytest.raises(CheckpointError, match=why):
        import_state(State(whole | {name: value}), LAMBDA)


def test_foreign_network_is_told_what_can_be_read() -> None:
    with pytest.raises(CheckpointError) as caught:
        import_state(State({"conv1.weight": torch.zeros(3)}), LAMBDA)
    assert all(kind.name in str(caught.value) for kind in KINDS)
