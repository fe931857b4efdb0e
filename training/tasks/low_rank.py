"""Fine-tuning by what is added to a weight: a matrix of low rank, which takes a twentieth of the weight's bytes."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

WEIGHT = "weight"

STEP = 2.0
"""What factors of one amount to, in root mean squares of the weight: Adam's steps are of one size for all of them."""


class LowRank(nn.Module):
    """A weight [O, ...] plus a product of matrices [O, rank] and [rank, ...] (Hu et al. 2021, LoRA, section 4.1)."""

    scale: Tensor

    def __init__(self, weight: Tensor, rank: int) -> None:
        super().__init__()
        outputs, inputs = weight.shape[0], weight[0].numel()
        rank = min(rank, outputs, inputs)
        self.register_buffer("scale", STEP * weight.square().mean().sqrt())
        self.left = nn.Parameter(torch.zeros(outputs, rank))
        self.right = nn.Parameter(torch.randn(rank, inputs) / rank**0.5)

    def forward(self, weight: Tensor) -> Tensor:
        """The sum, of the weight's shape; the product begins at zero."""
        return weight + (self.scale * (self.left @ self.right)).view_as(weight)


def adapt(model: nn.Module, rank: int) -> None:
    """Freezes the weights of all convolutions; what is added to each is trained in their place."""
    for module in _convolutions(model):
        weight = module.weight.detach()
        module.weight.requires_grad_(False)
        parametrize.register_parametrization(module, WEIGHT, LowRank(weight, rank).to(weight.device))


def merge(model: nn.Module) -> None:
    """Makes the sums the weights of the model, free again."""
    for module in _convolutions(model):
        parametrize.remove_parametrizations(module, WEIGHT)
        module.weight.requires_grad_(True)


def trained(model: nn.Module) -> list[Tensor]:
    """What training moves."""
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


def _convolutions(model: nn.Module) -> list[nn.Conv2d]:
    return [module for module in model.modules() if isinstance(module, nn.Conv2d)]
