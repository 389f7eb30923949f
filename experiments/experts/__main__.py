"""Train an expert, admit it through the gate, and write its policy and its recorded pairs."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import tyro
from numpy.typing import NDArray
from tqdm import tqdm

from experiments.data import Policy
from experiments.experts.gate import NotAnExpertError, admit
from experiments.experts.ppo import train
from experiments.experts.recipe import RECIPES, PpoRecipe
from experiments.experts.record import record


def main(
    env: tyro.conf.Positional[Literal["reacher", "swimmer", "hopper"]],
    seed: int = 0,
    steps: int | None = None,
    out: Path = Path("runs/experts"),
    record_only: Annotated[Path | None, tyro.conf.arg(metavar="POLICY")] = None,
) -> None:
    """Train a MuJoCo expert by PPO and record the pairs (observation, action) of its episodes.

    Args:
        env: The task.
        seed: Seed of the training. Where it does not make an expert, the next two are tried.
        steps: Simulator steps of the training, in place of the recipe's.
        out: Folder for NAME.policy.npz, NAME_1k.npz and NAME_10k.npz.
        record_only: Train nothing: admit and record the policy in this file.
    """
    recipe = RECIPES[env]
    if steps is not None:
        recipe = replace(recipe, steps=steps)
    if record_only is None:
        policy, reached = expert(recipe, seed)
        policy.save(out / f"{env}.policy.npz")
    else:
        policy = Policy.load(record_only)
        reached = admit(recipe, policy)
    tqdm.write(f"{recipe.environment}: {reached.mean():.2f} +- {reached.std():.2f} over {len(reached)} fresh episodes.")
    for pairs in recipe.recordings:
        recording = record(policy, recipe.environment, pairs)
        path = out / f"{env}_{pairs // 1000}k.npz"
        recording.save(path)
        tqdm.write(
            f"{path}: {pairs} pairs of {len(recording.returns)} episodes, return {recording.returns.mean():.2f}."
        )


def expert(recipe: PpoRecipe, seed: int) -> tuple[Policy, NDArray[np.float64]]:
    """The first admitted policy of the recipe's seeds with its returns; the last refusal is raised."""
    last = seed + recipe.tries - 1
    for attempt in range(seed, last):
        policy = train(recipe, attempt)
        try:
            return policy, admit(recipe, policy)
        except NotAnExpertError as refusal:
            tqdm.write(f"Seed {attempt}: {refusal} Going on to seed {attempt + 1}.")
    policy = train(recipe, last)
    return policy, admit(recipe, policy)


if __name__ == "__main__":
    try:
        tyro.cli(main, prog="python -m experiments.experts")
    except (NotAnExpertError, ImportError, OSError, ValueError) as error:
        raise SystemExit(f"error: {error}") from error
