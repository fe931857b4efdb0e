"""Networks of CompressAI as the weights of those of this project."""

from __future__ import annotations

from torch import nn

from decoder_pkg.codecs.deep_hyper_decoder import DeepHyperArchitecture
from decoder_pkg.codecs.deep_joint_autoregressive import DeepJointArchitecture
from decoder_pkg.codecs.transforms import Transforms
from decoder_pkg.codecs.transforms.attention import Attention, PlainBlock, UpBlock
from decoder_pkg.codecs.transforms.gdn import Gdn, Upsample
from encoder.codecs.deep_density import WIDTHS
from encoder.codecs.deep_hyper_networks import DeepHyperAnalysis
from encoder.codecs.transforms.attention import DownBlock
from encoder.codecs.transforms.table import build_analysis

from .checkpoint import State
from .layers import Weights, behind, convolution, normalisation, parts, transposed

BOTTLENECKS = [(unit, layer) for unit in range(3) for layer in (0, 2, 4)]

BLOCKS: dict[type[nn.Module], dict[str, str]] = {
    PlainBlock: {"first": "conv1", "second": "conv2"},
    DownBlock: {"first": "conv1", "second": "conv2", "norm": "gdn", "beside": "skip"},
    UpBlock: {"first.0": "subpel_conv.0", "second": "conv", "norm": "igdn", "beside.0": "upsample.0"},
    Attention: {f"trunk.{unit}.layers.{layer}": f"conv_a.{unit}.conv.{layer}" for unit, layer in BOTTLENECKS}
    | {f"mask.{unit}.layers.{layer}": f"conv_b.{unit}.conv.{layer}" for unit, layer in BOTTLENECKS}
    | {"mask.3": "conv_b.3"},
}
"""What the library calls the layers of a block."""


def transforms(state: State, kind: Transforms) -> Weights:
    """Analysis and synthesis, layer by layer."""
    weights: Weights = {}
    pairs = ("g_a", "analysis", build_analysis(kind)), ("g_s", "synthesis", kind.build_synthesis())
    for source, target, network in pairs:
        for place, block in network.get_submodule("layers").named_children():
            names = BLOCKS.get(type(block), {})
            for path, layer in block.named_modules():
                there = ".".join(part for part in (source, place, names.get(path, path)) if part)
                here = ".".join(part for part in (target, "layers", place, path) if part)
                weights |= _layer(state, there, here, layer)
    return weights


def _layer(state: State, source: str, target: str, layer: nn.Module) -> Weights:
    """What a module holds itself."""
    if isinstance(layer, Upsample):
        return transposed(state, source, target, layer.in_channels, layer.out_channels // 4)
    if isinstance(layer, nn.Conv2d):
        return convolution(state, source, target, layer.out_channels, layer.in_channels, layer.kernel_size[0])
    return normalisation(state, source, target, len(layer.root_beta)) if isinstance(layer, Gdn) else {}


def density(state: State, channels: int) -> Weights:
    """A `DeepDensity` and its medians."""
    source = "entropy_bottleneck"
    weights: Weights = {"prior.median": state.take(f"{source}.quantiles", channels, 1, 3)[:, 0, 1]}
    for layer in range(len(WIDTHS) - 1):
        inputs, outputs = WIDTHS[layer : layer + 2]
        weights[f"prior.matrices.{layer}"] = state.take(f"{source}.matrices.{layer}", channels, outputs, inputs)
        weights[f"prior.biases.{layer}"] = state.take(f"{source}.biases.{layer}", channels, outputs, 1)
        if layer < len(WIDTHS) - 2:
            weights[f"prior.factors.{layer}"] = state.take(f"{source}.factors.{layer}", channels, outputs, 1)
    return weights


def hyper_networks(state: State, arch: DeepHyperArchitecture) -> Weights:
    """Hyper-analysis, hyper-synthesis, and the network that sees neighbours, where there is one."""
    weights: Weights = {}
    analysis = [module for module in DeepHyperAnalysis(arch).named_modules() if isinstance(module[1], nn.Conv2d)]
    for place, (path, layer) in enumerate(analysis):
        weights |= _layer(state, f"h_a.{2 * place}", f"hyper_analysis.{path}", layer)
    for place, stage in enumerate(arch.stages):
        source, target = f"h_s.{2 * place}", f"hyper_synthesis.{stage.name}"
        if arch.refined:
            source = f"{source}.0" if stage.shuffled else source
            weights |= convolution(state, source, target, stage.outputs, stage.inputs, 3)
        else:
            weights |= transposed(state, source, target, stage.inputs, stage.outputs // 4)
    return weights | (_parameters(state, arch) if isinstance(arch, DeepJointArchitecture) else _outputs(state, arch))


def _outputs(state: State, arch: DeepHyperArchitecture) -> Weights:
    """The last layer of the hyper-synthesis: scales, and means after them where there are any."""
    names = [f"hyper_synthesis.{part}" for part in (("scale", "mean") if arch.predicts_mean else ("scale",))]
    source = f"h_s.{2 * len(arch.stages)}"
    return parts(convolution(state, source, "", len(names) * arch.latent_channels, arch.upper_width, 3), names)


def _parameters(state: State, arch: DeepJointArchitecture) -> Weights:
    """The three 1x1 layers, and in the first of them what precedes it: both are linear."""
    channels, features, inner = arch.latent_channels, arch.feature_width, arch.hidden_width
    last = f"h_s.{2 * len(arch.stages)}"
    first = state.take("entropy_parameters.0.weight", features, 4 * channels, 1, 1)[:, :, 0, 0].double()
    expected, known = first.chunk(2, 1)
    bias = state.take("entropy_parameters.0.bias", features)
    weights = behind(expected, convolution(state, last, "hyper_synthesis.scale", 2 * channels, arch.upper_width, 3))
    weights["hyper_synthesis.scale.bias"] += bias
    group = "context.groups.0"
    context = convolution(state, "context_prediction", f"{group}.enter", 2 * channels, channels, 5)
    weights |= behind(known, context)
    weights |= convolution(state, "entropy_parameters.2", f"{group}.hidden", inner, features, 1)
    whole = convolution(state, "entropy_parameters.4", "", 2 * channels, inner, 1)
    return weights | parts(whole, (f"{group}.scale", f"{group}.mean"))
