"""Makes the files of this folder, small networks and what CompressAI computes with them; not a test.

It needs an environment of its own: pip install torch==2.13.0 numpy; pip install --no-deps compressai==1.2.8
torch_geometric; and an empty module `torchvision.transforms`. Then: python tests/training/compressai/make.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from compressai.models import (  # type: ignore[import-not-found]
    Cheng2020Anchor,
    Cheng2020Attention,
    FactorizedPrior,
    FactorizedPriorReLU,
    JointAutoregressiveHierarchicalPriors,
    MeanScaleHyperprior,
    ScaleHyperprior,
)

RATE, LAMBDA, SIZE = 5e-3, 0.3, 64
SHARES = {"y": 1.0, "z": 0.01}
"""What the bits of a grid count in training: hyper-latents are used where they are cheap."""

FLOOR = 2.0**-24
"""Of a likelihood: the library's own is 1e-9, this project's this one."""

KINDS: dict[str, tuple[Any, ...]] = {
    "bmshj2018-factorized": (FactorizedPrior, 400, 8, 12),
    "bmshj2018-factorized-relu": (FactorizedPriorReLU, 400, 8, 12),
    "bmshj2018-hyperprior": (ScaleHyperprior, 1200, 8, 12),
    "mbt2018-mean": (MeanScaleHyperprior, 1200, 8, 12),
    "mbt2018": (JointAutoregressiveHierarchicalPriors, 1200, 8, 12),
    "cheng2020-anchor": (Cheng2020Anchor, 1200, 8),
    "cheng2020-attn": (Cheng2020Attention, 1200, 8),
}
"""Each kind's class, the steps of its training, and its widths N and M."""


def pictures(count: int, size: int) -> torch.Tensor:
    """Smooth random pictures with edges, [count, 3, size, size] float in [0, 1]."""
    coarse = torch.nn.functional.interpolate(torch.rand(count, 3, 5, 5), size, mode="bicubic")
    steps = torch.nn.functional.interpolate(torch.rand(count, 3, 6, 6), size, mode="nearest")
    return (0.6 * coarse + 0.4 * steps).clamp(0, 1)


def trained(kind: str) -> Any:
    """A network after a few steps, so that it uses its latents."""
    torch.manual_seed(1)
    build, steps, *widths = KINDS[kind]
    network = build(*widths)
    optimizer = torch.optim.Adam(network.parameters(), RATE)
    for _ in range(steps):
        batch = pictures(4, SIZE)
        found = network(batch)
        bits = sum(SHARES[grid] * -part.log2().sum() for grid, part in found["likelihoods"].items())
        loss = bits / (4 * SIZE**2) + LAMBDA * 255**2 * (found["x_hat"] - batch).square().mean()
        optimizer.zero_grad()
        (loss + network.aux_loss()).backward()
        optimizer.step()
    return network.eval()


def coded(network: Any, picture: torch.Tensor) -> tuple[torch.Tensor, float]:
    """The picture [1, 3, h, w] as the library decodes it, and the bits that it estimates.

    With a context, what its own streams hold: its forward pass shows contexts latents that are rounded as they are, its
    streams those that are rounded about their means.
    """
    found = network(picture)
    likelihoods = found["likelihoods"]
    if hasattr(network, "context_prediction"):
        likelihoods["y"], found["x_hat"] = in_order(network, picture)
    return found["x_hat"], sum(float(-part.clamp(min=FLOOR).log2().sum()) for part in likelihoods.values())


def in_order(network: Any, picture: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Likelihoods of the latents one after another, and the picture."""
    network.update(force=True)
    seen: dict[str, torch.Tensor] = {}
    for name in ("h_s", "g_s"):
        network.get_submodule(name).register_forward_pre_hook(
            lambda _, inputs, name=name: seen.update({name: inputs[0]})
        )
    packed = network.compress(picture)
    network.decompress(packed["strings"], packed["shape"])
    y_hat = seen["g_s"]
    features = torch.cat([network.h_s(seen["h_s"]), network.context_prediction(y_hat)], 1)
    scales, means = network.entropy_parameters(features).chunk(2, 1)
    likelihoods = network.gaussian_conditional(y_hat, scales, means=means)[1]
    return likelihoods, network.g_s(y_hat)


def main() -> None:
    folder = Path(__file__).parent
    for kind in KINDS:
        network, picture = trained(kind), (pictures(1, SIZE) * 255).round().to(torch.uint8)
        torch.save({"epoch": 3, "state_dict": network.state_dict()}, folder / f"{kind}.pth.tar")
        with torch.no_grad():
            decoded, bits = coded(network, picture / 255)
        np.savez_compressed(
            folder / f"{kind}.npz", picture=picture.numpy(), decoded=decoded.numpy(), bits=np.array(bits)
        )


main()
