"""The joint autoregressive and hierarchical prior of CompressAI, in exact integers."""

from .codec import DeepJointArchitecture, DeepJointCodec
