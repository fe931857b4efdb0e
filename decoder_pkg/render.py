"""Latents to pixels: the float half of the decoder. No decision depends on it."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .architecture import LATENT_STRIDE, Architecture
from .entropy_model import MEAN_STEPS, Grid
from .postfilter import M_MAX, PostFilter
from .synthesis import Synthesis
from .tiling import spans

TILE = 128
"""Side of a synthesis tile in latents: larger pictures are rendered tile by tile to bound the memory."""


def receptive_reach(arch: Architecture) -> int:
    """How many latents away a latent can still change a pixel."""
    at_quarter = 1 / 4
    at_eighth = 2 * arch.synthesis_blocks8 / 2
    at_sixteenth = 1 + 2 * arch.synthesis_blocks16
    return int(-(-(at_quarter + at_eighth + at_sixteenth) // 1))


@torch.inference_mode()
def render(
    network: Synthesis,
    arch: Architecture,
    latents: Grid,
    gain: int,
    height: int,
    width: int,
    bf16: bool = False,
    postfilter: PostFilter | None = None,
    m: int = 0,
) -> NDArray[np.uint8]:
    """Runs the synthesis transform.

    Args:
      network: the model's synthesis.
      arch: its architecture.
      latents: [h, w, M] int32 in 1/4096.
      gain: gain index.
      height: of the picture, at most 16h.
      width: of the picture, at most 16w.
      bf16: compute in bf16 where float32 is not needed to the last level.
      postfilter: applied with strength m.
      m: 0 to 255; 0 is no filter.

    Returns:
      [height, width, 3] uint8.
    """
    out = np.empty((height, width, 3), dtype=np.uint8)
    reach = receptive_reach(arch)
    if postfilter and m:
        reach += -(-postfilter.reach // LATENT_STRIDE)
    for down in spans(latents.shape[0], TILE, reach):
        for across in spans(latents.shape[1], TILE, reach):
            picture = _render_tile(network, latents[down.outer, across.outer], gain, bf16)
            if postfilter and m:
                picture = postfilter(picture, m / M_MAX)
            inner = to_bytes(picture[0])[down.source(LATENT_STRIDE, height), across.source(LATENT_STRIDE, width)]
            out[down.target(LATENT_STRIDE, height), across.target(LATENT_STRIDE, width)] = inner
    return out


def _render_tile(network: Synthesis, latents: Grid, gain: int, bf16: bool) -> Tensor:
    device = next(network.parameters()).device
    y_hat = torch.from_numpy(np.ascontiguousarray(latents)).to(device).float().div_(MEAN_STEPS)
    with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
        picture: Tensor = network(y_hat.permute(2, 0, 1)[None], torch.tensor([gain], device=device))
    return picture.float()


def to_bytes(picture: Tensor) -> NDArray[np.uint8]:
    """[3, H, W] float, nominally in [0, 1], to [H, W, 3] uint8, rounded."""
    levels = picture.clamp(0, 1).mul(255).round().to(torch.uint8)
    pixels: NDArray[np.uint8] = levels.permute(1, 2, 0).contiguous().cpu().numpy()
    return pixels
