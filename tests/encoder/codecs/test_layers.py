from __future__ import annotations

import pytest
import torch
from torch import nn

from decoder_pkg.codecs import ARCHITECTURES, CAUSAL_WINDOW, Architecture, architecture, codec_of
from decoder_pkg.codecs.transforms import TransformArchitecture
from encoder.codecs import FLOAT_CODECS, float_codec
from training.export.tables import SCALE_TABLES

LEARNED = [arch for arch in ARCHITECTURES if isinstance(arch, TransformArchitecture)]
EVERY = pytest.mark.parametrize("arch", LEARNED, ids=lambda arch: arch.name)
SIDES = {1: 1, 9: 3, CAUSAL_WINDOW: 5}
FLOAT_ONLY = ("analysis", "synthesis", "hyper_analysis")
"""Networks on which no integer of the decoder depends."""


def new_codec(arch: Architecture) -> nn.Module:
    with torch.device("meta"):
        return float_codec(arch)


@EVERY
def test_every_declared_layer_is_a_convolution_of_the_float_codec_with_its_shape(arch: Architecture) -> None:
    codec = new_codec(arch)
    for layer in codec_of(arch).layers(arch):
        conv = codec.get_submodule(layer.module)
        assert isinstance(conv, nn.Conv2d), layer.module
        side = SIDES[layer.taps]
        assert conv.weight.shape == (layer.outputs, layer.inputs, side, side), layer.module
        assert conv.bias is not None


@EVERY
def test_no_convolution_of_an_entropy_network_goes_undeclared(arch: Architecture) -> None:
    declared = [layer.module for layer in codec_of(arch).layers(arch)]
    assert len(set(declared)) == len(declared)
    found = {path for path, module in new_codec(arch).named_modules() if isinstance(module, nn.Conv2d)}
    assert {path for path in found if path.partition(".")[0] not in FLOAT_ONLY} == set(declared)


@EVERY
def test_layers_stand_after_those_that_they_take_their_input_from(arch: Architecture) -> None:
    outputs: dict[str, int] = {}
    for layer in codec_of(arch).layers(arch):
        assert layer.name not in outputs
        assert isinstance(layer.source, int) or layer.source in outputs
        assert isinstance(layer.peak, int | tuple) or layer.peak in SCALE_TABLES
        assert layer.outputs % layer.groups == 0
        outputs[layer.name] = layer.outputs


@EVERY
def test_every_architecture_has_a_codec_on_both_sides(arch: Architecture) -> None:
    assert architecture(arch.id) is arch
    assert arch in codec_of(arch).architectures
    assert [codec.architecture for codec in FLOAT_CODECS].count(type(arch)) == 1


def test_ids_and_names_of_architectures_are_their_own() -> None:
    assert len({arch.id for arch in ARCHITECTURES}) == len({arch.name for arch in ARCHITECTURES}) == len(ARCHITECTURES)
    assert len({type(arch) for arch in LEARNED}) == len(FLOAT_CODECS)
    with pytest.raises(KeyError, match="no architecture has id 2"):
        architecture(2)
