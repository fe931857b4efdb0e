"""The codec of Cheng et al. 2020 as CompressAI has it, in float: the mirror of `decoder_pkg.codecs.deep_cheng`."""

from __future__ import annotations

from decoder_pkg.codecs.deep_cheng import DeepChengArchitecture

from ..deep_joint_autoregressive import DeepJointFloatCodec


class DeepChengFloatCodec(DeepJointFloatCodec):
    """Mean and scale from the hyper-latents and from causal neighbours."""

    architecture = DeepChengArchitecture
