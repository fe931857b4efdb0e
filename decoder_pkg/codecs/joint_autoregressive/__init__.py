"""The joint autoregressive and hierarchical prior: mean and scale from hyper-latents and causal neighbours."""

from .codec import JointAutoregressiveArchitecture, JointAutoregressiveCodec
