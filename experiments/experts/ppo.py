"""Proximal policy optimisation (Schulman et al., 2017), lean: numpy gathers, torch updates on one thread."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from experiments.data import Policy
from experiments.experts.actor_critic import ActorCritic
from experiments.experts.advantage import advantages
from experiments.experts.moments import Moments, RewardScale
from experiments.experts.recipe import PpoRecipe
from experiments.experts.rollout import Explorer, Rollout
from experiments.experts.simulator import Environment, returns, simulator

EPOCHS = 10
CLIP = 0.2
LARGEST_GRADIENT = 0.5
EVALUATIONS = 40
WATCH_SEED = 1_000_000
"""First seed of the episodes that choose the best policy; neither the gate nor a recording uses them."""


def train(recipe: PpoRecipe, seed: int = 0, steps: int | None = None) -> Policy:
    """Train on ``recipe.environment``, and return the policy of the best of about 40 evaluations along the way.

    ``steps`` replaces the recipe's number of simulator steps; it is rounded up to whole roll-outs.
    """
    rounds = -(-(recipe.steps if steps is None else steps) // recipe.horizon)
    if rounds < 1:
        raise ValueError(f"Training needs at least one simulator step, but steps is {steps}.")
    with one_thread(), simulator(recipe.environment) as env, simulator(recipe.environment) as watched:
        best, best_return = None, -np.inf
        pause = max(1, rounds // EVALUATIONS)
        with tqdm(total=rounds * recipe.horizon, unit="step", unit_scale=True, desc=recipe.name) as bar:
            for number, policy in enumerate(policies(recipe, seed, rounds, env), start=1):
                bar.update(recipe.horizon)
                if number % pause and number < rounds:
                    continue
                reached = float(returns(watched, policy, recipe.watch_episodes, WATCH_SEED).mean())
                if best is None or reached > best_return:
                    best, best_return = policy, reached
                bar.set_postfix_str(f"return {reached:.1f}, best {best_return:.1f}")
    if best is None:
        raise RuntimeError(f"No evaluation of {recipe.name} took place in {rounds} roll-outs.")
    return best


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep torch to one thread: networks this small only lose time to a second one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def policies(recipe: PpoRecipe, seed: int, rounds: int, env: Environment) -> Iterator[Policy]:
    """The deterministic policy after each of ``rounds`` roll-outs and updates."""
    explorer = Explorer(env, seed)
    low, high = explorer.env.action_space.low, explorer.env.action_space.high
    model = ActorCritic(len(explorer.observation), len(low), recipe.log_std, seed)
    optimiser = torch.optim.Adam(model.parameters(), lr=recipe.rate, eps=1e-5, fused=True)
    generator = torch.Generator().manual_seed(seed)
    moments, scale = Moments.empty(len(explorer.observation)), RewardScale(recipe.gamma)
    policy = model.policy(moments, low, high)
    for number in range(rounds):
        optimiser.param_groups[0]["lr"] = recipe.rate * (1 - number / rounds)
        rollout = explorer.gather(policy, model.log_std.detach().exp().numpy(), recipe.horizon)
        improve(model, optimiser, experience(model, policy, scale, rollout, recipe), recipe.minibatch, generator)
        moments.update(rollout.observations)
        policy = model.policy(moments, low, high)
        yield policy


def experience(
    model: ActorCritic, policy: Policy, scale: RewardScale, rollout: Rollout, recipe: PpoRecipe
) -> tuple[Tensor, ...]:
    """What an update reads: observations (T, d), actions (T, n), log densities, advantages and value targets (T,)."""
    observations = policy.normalise(rollout.observations)
    values, following = model.values(observations), model.values(policy.normalise(rollout.next_observations))
    rewards = scale(rollout.rewards, rollout.ended)
    gains = advantages(
        rewards, values, following, rollout.terminated, rollout.ended, recipe.gamma, recipe.trace
    ).astype(np.float32)
    x, a = torch.from_numpy(observations), torch.from_numpy(rollout.actions)
    with torch.no_grad():
        old = model.log_density(x, a)
    return x, a, old, torch.from_numpy(gains), torch.from_numpy(gains + values)


def improve(
    model: ActorCritic,
    optimiser: torch.optim.Optimizer,
    batch: tuple[Tensor, ...],
    minibatch: int,
    generator: torch.Generator,
) -> None:
    """Ten epochs of the clipped objective (equation 7) and the squared error of the value function."""
    parameters = list(model.parameters())
    for _ in range(EPOCHS):
        for rows in torch.split(torch.randperm(len(batch[0]), generator=generator), minibatch):
            x, a, old, gain, target = (part[rows] for part in batch)
            if len(rows) > 1:
                gain = (gain - gain.mean()) / gain.std().clamp_min(torch.finfo(gain.dtype).tiny)
            ratio = (model.log_density(x, a) - old).exp()
            surrogate = torch.minimum(ratio * gain, ratio.clamp(1 - CLIP, 1 + CLIP) * gain).mean()
            error = (model.critic(x).squeeze(1) - target).square().mean()
            optimiser.zero_grad()
            (0.5 * error - surrogate).backward()
            nn.utils.clip_grad_norm_(parameters, LARGEST_GRADIENT)
            optimiser.step()
