"""Which models to ship: one size limit shared by the decoders of all targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from eval.metrics import SQUARED_ERROR, Distortion

from .lagrangian import InfeasibleBudget
from .table import TableError, allocate_table


def choose_models(
    frame: pd.DataFrame,
    budgets: Sequence[int],
    model_bytes: Mapping[int, int],
    limit: int,
    distortion: Distortion = SQUARED_ERROR,
) -> list[int]:
    """Drops the model that is missed least, again and again, until the rest fit the limit.

    A set of models is rated by the mean over the targets of the decibels of distortion it reaches.

    Args:
      frame: candidate table with a column `model`.
      budgets: bytes of the set at each target.
      model_bytes: what each model adds to the decoder.
      limit: bytes that all shipped models may take together.
      distortion: what is minimised.

    Returns:
      Ids of the models to ship, rising.

    Raises:
      TableError: the table names no models, a model of the table has no size, or no single model fits the limit.
      InfeasibleBudget: a target cannot be met, or not with any of the choices left.
    """
    if "model" not in frame.columns:
        raise TableError("the table has no column model, which tells the models apart")
    if not pd.api.types.is_integer_dtype(frame["model"]):
        raise TableError("the column model must hold whole numbers in every row")
    for budget in budgets:
        allocate_table(frame, budget, distortion)  # a target that no choice can meet is refused with the figures
    models = sorted(int(model) for model in frame["model"].unique())
    unknown = [model for model in models if model not in model_bytes]
    if unknown:
        raise TableError(f"models {unknown} have no size")
    if min(model_bytes[model] for model in models) > limit:
        raise TableError(f"the smallest model takes {min(model_bytes[m] for m in models)} bytes, the limit is {limit}")
    while sum(model_bytes[model] for model in models) > limit:
        losses = {model: _loss(frame, [m for m in models if m != model], budgets, distortion) for model in models}
        least = min(models, key=lambda model: (losses[model], -model_bytes[model], model))
        if not np.isfinite(losses[least]):
            raise InfeasibleBudget(f"without any one of the models {models} a target's budget is exceeded")
        models.remove(least)
    return models


def _loss(frame: pd.DataFrame, models: Sequence[int], budgets: Sequence[int], distortion: Distortion) -> float:
    """Mean decibels of distortion over the targets; infinite where a target cannot be met."""
    rows = frame[frame["model"].isin(models)]
    if set(rows["image"]) != set(frame["image"]):
        return float("inf")
    try:
        distortions = [allocate_table(rows, budget, distortion).allocation.distortion for budget in budgets]
    except InfeasibleBudget:
        return float("inf")
    return float(np.mean(10 * np.log10(np.maximum(distortions, 1e-12))))
