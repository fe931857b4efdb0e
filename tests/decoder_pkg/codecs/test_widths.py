"""Widths that a weight file states of its own network."""

from __future__ import annotations

import json

import pytest
from safetensors.numpy import save

from decoder_pkg.codecs import ARCHITECTURES, Architecture, open_widths, stated
from decoder_pkg.codecs.deep_factorised import DeepFactorisedArchitecture
from decoder_pkg.errors import WeightsError
from decoder_pkg.models import DecoderModel

OPEN = next(row for row in ARCHITECTURES if row.name == "deep-factorised")
HYPER = next(row for row in ARCHITECTURES if row.name == "deep-mean-scale")
CLOSED = next(row for row in ARCHITECTURES if row.name == "factorised")


@pytest.mark.parametrize("arch", ARCHITECTURES, ids=lambda arch: arch.name)
def test_row_is_what_its_own_widths_say(arch: Architecture) -> None:
    assert stated(arch, open_widths(arch)) == arch
    assert sorted(open_widths(arch)) == sorted(arch.open_widths)


def test_stated_widths_reach_the_transforms() -> None:
    arch = stated(OPEN, {"latent_channels": 12, "width": 8})
    assert isinstance(arch, DeepFactorisedArchitecture)
    assert (arch.latent_channels, vars(arch.transforms)["width"], arch.id) == (12, 8, OPEN.id)


@pytest.mark.parametrize(
    ("arch", "widths"),
    [
        (OPEN, {}),
        (OPEN, {"width": 8}),
        (OPEN, {"width": 8, "latent_channels": 8, "id": 3}),
        (OPEN, {"width": 0, "latent_channels": 8}),
        (OPEN, {"width": 513, "latent_channels": 8}),
        (OPEN, {"width": 8, "latent_channels": True}),
        (OPEN, {"width": 8, "latent_channels": "8"}),
        (HYPER, open_widths(HYPER) | {"feature_width": 2049}),
        (HYPER, open_widths(HYPER) | {"width": 513}),
        (CLOSED, {"latent_channels": 8}),
    ],
)
def test_weight_file_with_other_widths_than_its_row_leaves_open_is_refused(
    arch: Architecture, widths: dict[str, object]
) -> None:
    metadata = {"architecture": str(arch.id), "exponents": "{}", "widths": json.dumps(widths)}
    with pytest.raises(WeightsError, match="does not describe a known architecture"):
        DecoderModel(save({}, metadata))


def test_weight_file_that_states_no_widths_of_an_open_row_is_refused() -> None:
    with pytest.raises(WeightsError, match="not \\(\\)"):
        DecoderModel(save({}, {"architecture": str(OPEN.id), "exponents": "{}"}))
