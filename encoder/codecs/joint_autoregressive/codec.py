"""The joint autoregressive and hierarchical prior in float: the mirror of `decoder_pkg.codecs.joint_autoregressive`."""

from __future__ import annotations

from decoder_pkg.codecs.joint_autoregressive import JointAutoregressiveArchitecture

from ..autoregressive import AutoregressiveFloatCodec


class JointAutoregressiveFloatCodec(AutoregressiveFloatCodec[JointAutoregressiveArchitecture]):
    """All channels of a position together."""

    architecture = JointAutoregressiveArchitecture
