"""The gate: a policy counts as an expert only if fresh episodes say so."""

import numpy as np
from numpy.typing import NDArray

from experiments.data import Policy
from experiments.experts.recipe import PpoRecipe
from experiments.experts.simulator import returns, simulator

GATE_SEED = 2_000_000
"""First seed of the gate's episodes; neither training nor a recording uses them."""


class NotAnExpertError(RuntimeError):
    """A policy's mean return stayed below what its recipe asks for."""


def admit(recipe: PpoRecipe, policy: Policy) -> NDArray[np.float64]:
    """Returns (episodes,) of the deterministic policy on fresh episodes, or a NotAnExpertError if their mean is low."""
    with simulator(recipe.environment) as env:
        reached = returns(env, policy, recipe.gate_episodes, GATE_SEED)
    if not reached.mean() >= recipe.threshold:
        raise NotAnExpertError(
            f"The policy for {recipe.environment} is not an expert: its mean return over {recipe.gate_episodes} fresh "
            f"episodes is {reached.mean():.2f}, and {recipe.threshold:g} is asked for. Train for more --steps, or "
            f"start from another --seed."
        )
    return reached
