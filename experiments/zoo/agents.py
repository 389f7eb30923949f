"""Policies of stable-baselines3: the network that acts, and all that stands beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
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
    wide = {"net_arch": [32, 32, 32]}
    ppo, pictured = "common.policies.ActorCriticPolicy", "common.policies.ActorCriticCnnPolicy"
    yield _member("PPO, MlpPolicy", _policy(ppo, (SEEN,)), vectors(SEEN), first)
    yield _member("PPO, CnnPolicy", _policy(pictured, (3, 40, 40)), images(3, 40, 40), first)
    yield _member("SAC, actor", _actor(_policy("sac.policies.SACPolicy", (SEEN,), **wide)), vectors(SEEN))
    yield _member("TD3, actor", _actor(_policy("td3.policies.TD3Policy", (SEEN,), **wide)), vectors(SEEN))


def _member(
    name: str, make: Callable[[], nn.Module], inputs: Callable[[int], Any], options: Mapping[str, Any] | None = None
) -> Member:
    return Member(
        name=name,
        library="stable_baselines3",
        make=make,
        inputs=inputs,
        options=options or {},
        targets=ACTIONS,
        dtype=torch.float32,  # to which the policies cast what they see
    )
