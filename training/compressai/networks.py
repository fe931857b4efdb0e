"""Networks of CompressAI as the weights of those of this project."""

from __future__ import annotations

from decoder_pkg.codecs.deep_hyper_decoder import DeepHyperArchitecture
from decoder_pkg.codecs.deep_joint_autoregressive import DeepJointArchitecture
from encoder.codecs.deep_density import WIDTHS

from .checkpoint import State
from .layers import Weights, behind, convolution, normalisation, parts, transposed


def gdn_transforms(state: State, width: int, channels: int, is_rectified: bool = False) -> Weights:
    """Four layers either way, at the even places; what is between them at the odd ones."""
    down, up = [3, width, width, width, channels], [channels, width, width, width, 3]
    weights: Weights = {}
    for layer in range(4):
        place = 2 * layer
        analysis, synthesis = f"analysis.layers.{place}", f"synthesis.layers.{place}"
        weights |= convolution(state, f"g_a.{place}", analysis, down[layer + 1], down[layer], 5)
        weights |= transposed(state, f"g_s.{place}", synthesis, up[layer], up[layer + 1])
    if not is_rectified:
        for place in (1, 3, 5):
            weights |= normalisation(state, f"g_a.{place}", f"analysis.layers.{place}", width)
            weights |= normalisation(state, f"g_s.{place}", f"synthesis.layers.{place}", width)
    return weights


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
    width = arch.hyper_analysis_width
    weights = convolution(state, "h_a.0", "hyper_analysis.enter", width, arch.latent_channels, 3)
    weights |= convolution(state, "h_a.2", "hyper_analysis.layers.0", width, width, 5)
    weights |= convolution(state, "h_a.4", "hyper_analysis.layers.1", arch.hyper_channels, width, 5)
    for place, stage in enumerate(arch.stages):
        target = f"hyper_synthesis.{stage.name}"
        weights |= transposed(state, f"h_s.{2 * place}", target, stage.inputs, stage.outputs // 4)
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
