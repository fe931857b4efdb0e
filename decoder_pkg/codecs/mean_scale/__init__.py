"""The mean-scale hyperprior: mean and scale of every latent from the hyper-latents alone."""

from .codec import MeanScaleArchitecture, MeanScaleCodec
