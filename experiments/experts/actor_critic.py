"""The two small networks of PPO, and the way from torch to plain arrays."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from experiments.data import Policy
from experiments.experts.moments import Moments

WIDTH = 64


def network(d: int, outputs: int, gain: float, generator: torch.Generator) -> nn.Sequential:
    """d -> 64 -> 64 -> outputs with tanh, orthogonal weights; ``gain`` is that of the last layer."""
    layers = nn.Linear(d, WIDTH), nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, outputs)
    for layer, scale in zip(layers, (math.sqrt(2), math.sqrt(2), gain), strict=True):
        nn.init.orthogonal_(layer.weight, scale, generator=generator)
        nn.init.zeros_(layer.bias)
    return nn.Sequential(layers[0], nn.Tanh(), layers[1], nn.Tanh(), layers[2])


class ActorCritic(nn.Module):
    """A Gaussian policy whose spread does not depend on the observation, and a value function beside it."""

    def __init__(self, d: int, n: int, log_std: float, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.actor = network(d, n, 0.01, generator)
        self.critic = network(d, 1, 1.0, generator)
        self.log_std = nn.Parameter(torch.full((n,), log_std))

    def log_density(self, observations: Tensor, actions: Tensor) -> Tensor:
        """Logarithm (N,) of the policy's density at actions (N, n), up to a constant."""
        deviations: Tensor = (actions - self.actor(observations)) * torch.exp(-self.log_std)
        return -0.5 * deviations.square().sum(dim=1) - self.log_std.sum()

    @torch.no_grad()
    def values(self, observations: NDArray[np.float32]) -> NDArray[np.float32]:
        """Values (N,) of normalised observations (N, d)."""
        values: NDArray[np.float32] = self.critic(torch.from_numpy(observations)).squeeze(1).numpy()
        return values

    def policy(self, moments: Moments, low: NDArray[np.float32], high: NDArray[np.float32]) -> Policy:
        """The actor as plain arrays, copied: later updates do not reach it."""
        w1, b1, w2, b2, w3, b3 = (part.detach().numpy().copy() for part in self.actor.parameters())
        mean, variance = moments.mean.astype(np.float32), moments.variance.astype(np.float32)
        return Policy(w1, b1, w2, b2, w3, b3, mean, variance, low.astype(np.float32), high.astype(np.float32))
