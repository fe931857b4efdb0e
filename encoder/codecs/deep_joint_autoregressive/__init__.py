"""The joint autoregressive and hierarchical prior of CompressAI in float."""

from .codec import DeepJointFloatCodec
