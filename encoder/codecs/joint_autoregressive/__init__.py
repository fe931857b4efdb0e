"""The joint autoregressive and hierarchical prior in float."""

from .codec import JointAutoregressiveFloatCodec
