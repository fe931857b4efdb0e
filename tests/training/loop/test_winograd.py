import shutil
import subprocess

import pytest
import torch
from torch import Tensor, nn

from training.loop.winograd import _library, is_faster, use_winograd

needs_bf16 = pytest.mark.skipif(not is_faster(), reason="needs AVX512-BF16, g++, and no AMX")


def convolution(inputs: int, outputs: int) -> nn.Conv2d:
    torch.manual_seed(1)
    return nn.Conv2d(inputs, outputs, 3, padding=1)


def results(conv: nn.Conv2d, x: Tensor, bf16: bool) -> list[Tensor]:
    """The output and the gradients of input, weight and bias, for one gradient of the output."""
    x = x.clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        y = conv(x)
    gradient = torch.randn(y.shape, generator=torch.Generator().manual_seed(2))
    assert conv.bias is not None
    return [y.detach(), *torch.autograd.grad(y, [x, conv.weight, conv.bias], gradient.to(y.dtype))]


@needs_bf16
@pytest.mark.parametrize(("inputs", "outputs", "size"), [(64, 64, (2, 2)), (128, 96, (6, 10)), (96, 192, (16, 4))])
def test_transformed_products_do_not_yield_another_convolution(
    inputs: int, outputs: int, size: tuple[int, int]
) -> None:
    conv = convolution(inputs, outputs)
    x = torch.randn(3, inputs, *size, generator=torch.Generator().manual_seed(3))
    exact, direct = results(conv, x, bf16=False), results(conv, x, bf16=True)
    assert use_winograd(nn.Sequential(conv)) == 1
    for found, wanted, plain in zip(results(conv, x, bf16=True), exact, direct, strict=True):
        assert found.shape == wanted.shape
        assert (found.float() - wanted).norm() < 0.01 * wanted.norm()
        assert not torch.equal(found, plain)


@needs_bf16
def test_odd_sizes_float32_and_evaluation_are_left_to_the_direct_convolution() -> None:
    conv = convolution(64, 64)
    for size, bf16, training in [((3, 4), True, True), ((4, 4), False, True), ((4, 4), True, False)]:
        x = torch.randn(1, 64, *size)
        conv.__class__ = nn.Conv2d
        direct = results(conv.train(training), x, bf16)
        use_winograd(nn.Sequential(conv))
        assert all(map(torch.equal, results(conv, x, bf16), direct))


def test_strides_groups_and_narrow_layers_are_left_alone() -> None:
    layers = [nn.Conv2d(64, 64, 3, stride=2, padding=1), nn.Conv2d(48, 64, 3, padding=1), nn.Conv2d(64, 64, 1)]
    grouped = nn.Conv2d(64, 64, 3, padding=1, groups=64)
    assert use_winograd(nn.Sequential(*layers, grouped)) == 0


@pytest.mark.skipif(not shutil.which("g++"), reason="needs g++")
def test_compiled_library_is_not_taken_from_a_file_that_others_may_have_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compiled: list[list[str]] = []
    compile_it = subprocess.run

    def noted(command: list[str], check: bool) -> None:
        compiled.append(command)
        compile_it(command, check=check)

    monkeypatch.setattr(subprocess, "run", noted)
    for _ in range(2):
        _library.cache_clear()
        _library()
    assert len(compiled) == 2
