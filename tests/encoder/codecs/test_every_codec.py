"""What every codec promises, both halves of it: seeded weights, small pictures."""

from __future__ import annotations

import copy
from contextlib import suppress
from itertools import product

import numpy as np
import pytest
import torch

from decoder_pkg.codecs import LATENTS, codec_of
from decoder_pkg.entropy import CodingStep, Grid, new_payload, open_payload, shortest_payload
from decoder_pkg.errors import CorruptPayload, WeightsError
from decoder_pkg.weight_files import TensorReader
from encoder.codecs import ROUNDED, STRAIGHT_THROUGH, coding_setting
from encoder.coding import AnalysedPicture, estimated_bits, parts_of, with_choices
from encoder.coding.splice import splice
from encoder.refinement import RefinementSetting, refine_latents
from tests.decoder_pkg.pictures import random_picture, same_integers
from tests.seeded import SMOKE_ARCHITECTURES, photograph_crops, seeded_floats, seeded_model

NAMES = sorted(SMOKE_ARCHITECTURES)
EVERY = pytest.mark.parametrize("name", NAMES)
Q_VALUES = (128, 100, 255)


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    crop: np.ndarray = (photograph_crops()[0] * 255).byte().permute(1, 2, 0).numpy()
    return crop[:90, :105]


@EVERY
@pytest.mark.parametrize(("size", "spread"), [((1, 1), 2.0), ((37, 130), 0.3), ((37, 50), 40.0)])
def test_random_integers_come_back_and_are_encoded_to_the_same_bytes(
    name: str, size: tuple[int, int], spread: float
) -> None:
    codec, setting = seeded_model(name).decoder.codec, coding_setting(30, 90)
    picture = random_picture(codec, size, setting, 5, spread)
    coder = new_payload()
    codec.encode(coder, picture.integers, size, setting)
    payload = shortest_payload(coder)
    decoded = codec.decode(open_payload(payload), size, setting)
    assert same_integers(decoded, picture.integers)
    assert list(decoded) == list(codec.grids(size))


@EVERY
@pytest.mark.parametrize("size", [(1, 1), (65, 80)])
def test_walk_goes_through_every_integer_once_and_grid_by_grid(name: str, size: tuple[int, int]) -> None:
    codec = seeded_model(name).decoder.codec
    visits = {key: np.zeros((*shape.plane, shape.channels), dtype=int) for key, shape in codec.grids(size).items()}
    order: list[str] = []

    def exchange(step: CodingStep) -> Grid:
        np.add.at(visits[step.grid].reshape(-1, step.mean.shape[1]), step.rows, 1)
        if step.grid not in order[-1:]:
            order.append(step.grid)
        return np.zeros(step.mean.shape, dtype=np.int32)

    integers = codec.walk(size, coding_setting(24, 128), exchange)
    assert order == list(visits) == list(integers)
    assert all((visited == 1).all() for visited in visits.values())
    assert all(integers[key].shape == visits[key].shape and integers[key].dtype == np.int32 for key in visits)


@EVERY
@pytest.mark.parametrize("q", Q_VALUES)
def test_integers_cost_what_the_float_model_estimates(name: str, q: int, pixels: np.ndarray) -> None:
    model, floats = seeded_model(name), copy.deepcopy(seeded_model(name).floats)
    floats.converge()
    picture, total = AnalysedPicture(pixels, model), np.zeros(2)
    for gain in (8, 40):
        quantised = picture.quantise(coding_setting(gain, q))
        shapes = model.decoder.codec.grids(picture.size)
        latents = {
            key: torch.from_numpy(grid).permute(2, 0, 1)[None].float() / shapes[key].steps
            for key, grid in quantised.integers.items()
        }
        total += estimated_bits(floats, latents, gain, q), quantised.ideal_bits
    assert total[1] > 100
    assert total[1] == pytest.approx(total[0], rel=0.005)


@EVERY
def test_photograph_decodes_to_what_was_encoded_and_refinement_lowers_its_cost(name: str, pixels: np.ndarray) -> None:
    setting = RefinementSetting(24, 128, 2000.0)
    picture = AnalysedPicture(pixels, seeded_model(name))
    plain = cost(picture, setting, None)
    refined = refine_latents(picture, setting, "local", 12)
    assert cost(picture, setting, refined.latents) < plain


def cost(picture: AnalysedPicture, setting: RefinementSetting, latents: object) -> float:
    candidate, _ = picture.encode(setting.coding, latents)  # type: ignore[arg-type]
    return 8 * len(candidate.payload) + 8 / setting.multiplier * candidate.squared_error


@EVERY
def test_latents_of_a_stream_give_the_same_stream_and_can_be_spliced_with_those_of_another(
    name: str, pixels: np.ndarray
) -> None:
    model, setting = seeded_model(name), coding_setting(20, 97)
    picture = AnalysedPicture(pixels, model)
    candidate, _ = picture.encode(setting)
    latents, _ = parts_of(model, candidate, {})
    again, _ = picture.encode(setting, latents)
    assert again == candidate
    zeros = {key: torch.zeros_like(grid) for key, grid in latents.items()}
    spliced, _ = picture.encode(setting, splice(latents, zeros, [0], 1, 40))
    assert spliced.payload != candidate.payload


@EVERY
def test_rate_has_a_gradient_in_every_grid(name: str) -> None:
    floats = seeded_floats(name)
    gain = torch.tensor([24])
    latents = floats.latents(floats.analyse(photograph_crops()[:1]), gain)
    parts = {key: grid.clone().requires_grad_() for key, grid in latents.items()}
    coded = floats.code(parts, gain, 0.8, STRAIGHT_THROUGH)
    bits = coded.position_bits()
    assert bits.shape == (1, 1, *latents[LATENTS].shape[2:])
    total = bits.sum() + coded.side_bits.sum() + coded.y_hat.square().sum()
    for gradient in torch.autograd.grad(total, list(parts.values())):
        assert gradient.isfinite().all()
        assert gradient.any()


@EVERY
def test_skipped_symbols_are_zero_and_free_in_float(name: str) -> None:
    floats = seeded_floats(name)
    gain = torch.tensor([0])
    coded = floats.code(floats.latents(floats.analyse(photograph_crops()[:1]), gain), gain, 2.0, ROUNDED)
    skipped = coded.likelihood.skipped.expand_as(coded.symbols)
    assert not coded.symbols[skipped].any()
    assert not coded.likelihood.bits(coded.symbols)[skipped].any()


@EVERY
def test_float_model_sees_no_latent_that_is_coded_later(name: str) -> None:
    """The coding step of every latent comes from the decoder's own walk."""
    floats, gain = seeded_floats(name), torch.tensor([24])
    step_of = coding_steps(name, 6, 7)
    latents = floats.latents(floats.analyse(photograph_crops()[:1]), gain)
    latents = with_choices(floats, latents, gain, 1.0, ROUNDED)

    def bits(y: torch.Tensor) -> torch.Tensor:
        return floats.code({**latents, LATENTS: y}, gain, 1.0, ROUNDED).likelihood.bits(torch.ones_like(y))[0]

    before = bits(latents[LATENTS])
    for channel, row, column in product((0, 9), (3, 5), (2, 6)):
        other = latents[LATENTS].clone()
        other[0, channel, row, column] += 5
        changed = ((bits(other) - before).abs() > 1e-4).numpy()
        assert (step_of[changed] > step_of[channel, row, column]).all()


def coding_steps(name: str, height: int, width: int) -> np.ndarray:
    """[M, h, w] the step at which each latent is coded."""
    codec, size = seeded_model(name).decoder.codec, (16 * height, 16 * width)
    step_of = np.full((height, width, codec.grids(size)[LATENTS].channels), -1)
    turn = 0

    def exchange(step: CodingStep) -> Grid:
        nonlocal turn
        if step.grid == LATENTS:
            step_of.reshape(-1, step.mean.shape[1])[step.rows] = turn
            turn += 1
        return np.zeros(step.mean.shape, dtype=np.int32)

    codec.walk(size, coding_setting(24, 128), exchange)
    return step_of.transpose(2, 0, 1)


@EVERY
def test_weight_file_without_a_tensor_of_the_entropy_model_is_refused(name: str) -> None:
    model = seeded_model(name).decoder
    tensors = model.file.tensors
    for lost in (key for key in tensors if not key.startswith("synthesis.")):
        reader = TensorReader({key: array for key, array in tensors.items() if key != lost})
        with pytest.raises(WeightsError, match=lost):
            codec_of(model.arch)(model.arch, reader)


@EVERY
def test_damaged_payload_never_ends_in_another_error_than_its_own(name: str) -> None:
    codec, size, setting = seeded_model(name).decoder.codec, (40, 70), coding_setting(30, 128)
    rng = np.random.default_rng(3)
    for _ in range(20):
        garbage = rng.integers(0, 256, int(rng.integers(1, 400)), dtype=np.uint8).tobytes() + b"\1"
        with suppress(CorruptPayload):
            codec.decode(open_payload(garbage), size, setting)
