"""The numpy policy is the torch actor, and its density that of torch."""

import math

import numpy as np
import torch

from experiments.experts.actor_critic import ActorCritic
from experiments.experts.moments import Moments

D, N = 4, 2


def test_the_numpy_policy_is_the_torch_actor() -> None:
    model = ActorCritic(D, N, -0.5, seed=3)
    torch.nn.init.orthogonal_(model.actor[-1].weight, gain=3.0, generator=torch.Generator().manual_seed(0))
    policy = model.policy(Moments.empty(D), -np.ones(N), np.ones(N))
    x = np.random.default_rng(0).normal(size=(50, D)).astype(np.float32)
    with torch.no_grad():
        expected = model.actor(torch.from_numpy(x)).clamp(-1, 1).numpy()
    assert policy(x).dtype == np.float32
    assert (np.abs(expected) == 1).any()
    np.testing.assert_allclose(policy(x), expected, atol=1e-6)


def test_the_density_is_torchs_up_to_a_constant() -> None:
    model = ActorCritic(D, N, -0.5, seed=0)
    x, a = torch.randn(9, D + N, generator=torch.Generator().manual_seed(0)).split([D, N], dim=1)
    with torch.no_grad():
        normal = torch.distributions.Normal(model.actor(x), model.log_std.exp())
        gap = model.log_density(x, a) - normal.log_prob(a).sum(dim=1)
    torch.testing.assert_close(gap, torch.full((9,), N / 2 * math.log(2 * math.pi)), rtol=1e-5, atol=1e-5)
