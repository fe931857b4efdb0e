"""The prior of CompressAI with a context, in float: the mirror of `decoder_pkg.codecs.deep_joint_autoregressive`."""

from __future__ import annotations

from decoder_pkg.codecs.deep_joint_autoregressive import DeepJointArchitecture

from ..autoregressive import AutoregressiveContext
from ..deep_hyper_networks import DeepHyperFloatCodec


class DeepJointFloatCodec(DeepHyperFloatCodec[DeepJointArchitecture]):
    """Mean and scale from the hyper-latents and from causal neighbours."""

    architecture = DeepJointArchitecture

    def __init__(self, arch: DeepJointArchitecture) -> None:
        super().__init__(arch)
        self.context = AutoregressiveContext(arch)
