from __future__ import annotations

import pytest

from decoder_pkg.grids import LATENT_STRIDE
from encoder.models import Zoo
from eval.metrics import PSNR
from eval.report.curves import MEAN, Curve
from submission.studies.models import bd_rate, models_table, multiplications, parameters


def test_multiplications_are_those_of_the_layers(golden_zoo: Zoo) -> None:
    model = golden_zoo.models[8].floats
    per_pixel = {LATENT_STRIDE: 0.0, LATENT_STRIDE // 2: 0.0, LATENT_STRIDE // 4: 0.0}
    for name, weight in model.synthesis.named_parameters():
        if weight.ndim == 4:
            stride = LATENT_STRIDE // (
                4 if name.startswith("leave") else 2 if name.startswith(("blocks8", "up4")) else 1
            )
            per_pixel[stride] += weight.numel()
    expected = sum(count / stride**2 / 1000 for stride, count in per_pixel.items())
    assert multiplications(model)["synthesis"] == pytest.approx(expected)


def test_table_has_a_row_for_each_model(golden_zoo: Zoo) -> None:
    sizes = {f"{name}.safetensors": 1000 for name in ("smoke", "smoke-quadtree")}
    table = models_table(golden_zoo, sizes)
    assert table.index.tolist() == [7, 8]
    assert (table["bytes in decoder.zip"] == 1000).all()


def test_model_for_low_rates_is_not_refused_beside_a_codec_that_begins_above() -> None:
    low = Curve("low", MEAN, (0.05, 0.06, 0.07, 0.08), {"psnr": (26.0, 26.5, 27.0, 27.5)})
    high = Curve("high", MEAN, (0.2, 0.3, 0.4, 0.5), {"psnr": (27.0, 28.0, 29.0, 30.0)})
    assert bd_rate(high, low, PSNR) == ""
    assert bd_rate(low, low, PSNR) == "+0.0 %"


def test_parameters_of_a_part_are_fewer_than_of_the_whole(golden_zoo: Zoo) -> None:
    model = golden_zoo.models[7].floats
    whole = sum(p.numel() for p in model.parameters())
    assert 0 < parameters(model, ["synthesis"]) < whole
    with pytest.raises(AttributeError):
        parameters(model, ["nothing"])
