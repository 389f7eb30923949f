"""Policies of stable-baselines3: the network that acts, and all that stands beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

from experiments.zoo.member import Member, images, part, vectors

SEEN, ACTIONS = 9, 3


def _policy(name: str, shape: tuple[int, ...], **options: Any) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        box = part("gymnasium", "spaces.Box")
        action = box(-1.0, 1.0, (ACTIONS,))
        seen = box(0, 255, shape, dtype="uint8") if len(shape) == 3 else box(-1.0, 1.0, shape)
        policy = part("stable_baselines3", name)(seen, action, lambda _: 1e-3, **options)
        network: nn.Module = policy
        return network

    return make


def _actor(policy: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
    """What acts, of a policy that holds a critic too."""
    return lambda: policy().get_submodule("actor")


def members() -> Iterator[Member]:
    """Policies that PPO, SAC and TD3 train."""
    first = {"output": 0}
    yield Member(
        name="PPO, MlpPolicy",
        library="stable_baselines3",
        make=_policy("common.policies.ActorCriticPolicy", (SEEN,)),
        inputs=vectors(SEEN),
        options=first,
        targets=ACTIONS,
        dtype=torch.float32,  # to which the policies cast what they see
    )
    yield Member(
        name="PPO, CnnPolicy",
        library="stable_baselines3",
        make=_policy("common.policies.ActorCriticCnnPolicy", (3, 40, 40)),
        inputs=images(3, 40, 40),
        options=first,
        targets=ACTIONS,
        dtype=torch.float32,  # to which the policies cast what they see
    )
    yield Member(
        name="SAC, actor",
        library="stable_baselines3",
        make=_actor(_policy("sac.policies.SACPolicy", (SEEN,), net_arch=[32, 32, 32])),
        inputs=vectors(SEEN),
        targets=ACTIONS,
        dtype=torch.float32,  # to which the policies cast what they see
    )
    yield Member(
        name="TD3, actor",
        library="stable_baselines3",
        make=_actor(_policy("td3.policies.TD3Policy", (SEEN,), net_arch=[32, 32, 32])),
        inputs=vectors(SEEN),
        targets=ACTIONS,
        dtype=torch.float32,  # to which the policies cast what they see
    )
