"""Where latents are refined, and in which precision."""

from __future__ import annotations

import torch


def seeded(seed: int) -> torch.Generator:
    """A source of noise that is the same for every device: on the CPU."""
    return torch.Generator("cpu").manual_seed(seed)


def fastest_device() -> torch.device:
    """Where latents are refined: on a GPU, with algorithms that give the same sums every time, or here.

    What is float32 there is so in every product: 10 bits would move means by more than refinement does.
    """
    if not torch.cuda.is_available():
        return torch.device("cpu")
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    return torch.device("cuda")


def bf16_helps(device: torch.device) -> bool:
    """Whether a device multiplies bf16 matrices in hardware: a GPU, or a CPU with AMX or AVX512-BF16."""
    return device.type == "cuda" or cpu_has("amx_tile") or cpu_has("avx512_bf16")


def arithmetic() -> str:
    """Device and precision of refinement: the same latents are found under the same alone."""
    device = fastest_device()
    return f"{device.type} {'bf16' if bf16_helps(device) else 'float32'}"


def cpu_has(instructions: str) -> bool:
    """Whether torch finds instructions, by its name for them, in this CPU; earlier versions of torch do not look."""
    check = getattr(torch.cpu, f"_is_{instructions}_supported", None)
    return bool(check and check())
