"""Which weight is trained how, and how fast at which iteration."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from ..config import TrainConfig
from .muon import TURNS, Muon

LEAST_MATRIX = 32
"""Inputs and outputs from which on a convolution's weight is one for Muon."""

CONFIGURED = ("lr", "peak", "capturable")
"""What a group of weights gets from the run's configuration and the device, not from its checkpoint."""


def build_optimizers(
    model: nn.Module, config: TrainConfig, device: torch.device, run: Callable[..., Iterable[Any]]
) -> list[Optimizer]:
    """Adam for small tensors and tables, Muon for matrices; `run` maps a function over stacks of these."""
    matrices, tables, rest = _groups(model, config.muon_lr > 0)
    on_gpu, adam_lr = device.type == "cuda", config.adam_lr
    adam = torch.optim.Adam(
        [{"params": rest, "lr": adam_lr}, {"params": tables, "lr": adam_lr * config.table_factor}],
        betas=(0.9, 0.98),
        fused=True,
        capturable=on_gpu,
    )
    optimizers: list[Optimizer] = [adam]
    if matrices:
        optimizers.append(Muon(matrices, lr=config.muon_lr, run=run))
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["peak"] = group["lr"]
            if on_gpu:  # where a captured update finds the rate of its iteration
                group["lr"] = torch.tensor(group["lr"], device=device)
    return optimizers


def _groups(model: nn.Module, muon: bool) -> tuple[list[nn.Parameter], ...]:
    """Matrices for Muon, tables, and the rest of what is trained."""
    matrices, tables, rest = list[nn.Parameter](), list[nn.Parameter](), list[nn.Parameter]()
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        if muon and parameter.ndim == 4 and min(parameter.shape[:2]) >= LEAST_MATRIX:
            matrices.append(parameter)
        elif "gain" in name or name.startswith("prior."):
            tables.append(parameter)
        else:
            rest.append(parameter)
    return matrices, tables, rest


def restore(optimizers: Sequence[Optimizer], states: Sequence[dict[str, Any]], iteration: int) -> None:
    """Loads the state of every weight after so many iterations; rates stay those of the configuration."""
    for optimizer, saved in zip(optimizers, states, strict=True):
        groups = [{key: group[key] for key in CONFIGURED if key in group} for group in optimizer.param_groups]
        optimizer.load_state_dict(saved)
        for group, configured in zip(optimizer.param_groups, groups, strict=True):
            group |= configured
            if isinstance(optimizer, Muon):
                group["turn"] = (iteration - 1) % TURNS  # a captured update does not count its replays


def set_learning_rate(optimizers: Sequence[Optimizer], factor: float) -> None:
    """Sets every group's rate to its peak times a factor."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            rate = group["peak"] * factor
            if torch.is_tensor(group["lr"]):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate


def learning_rate_factor(iteration: int, config: TrainConfig) -> float:
    """Linear warm-up, constant, then linear decay to zero over the last share of the run."""
    warm = min(1.0, (iteration + 1) / max(1, config.warmup))
    left = (config.iterations - iteration) / max(1.0, config.decay * config.iterations)
    return min(warm, left, 1.0)
