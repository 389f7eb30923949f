"""
Stable-Baselines3 and imitation data
====================================

A policy is a network with several outputs; ``top`` names the layer whose features give the action, and what the expert
did are the targets.
"""

import warnings

import torch

import deepnrc
from experiments.data import load

# %%
# Observations and actions of a MuJoCo swimmer, as they ship with the checkout. ``deepnrc.load_data`` reads D4RL,
# robomimic, ALOHA, LeRobot and Minari files of your own, with ``--observations`` and ``--actions`` at the command line.

x, y = load("swimmer_1k")
print(tuple(x.shape), tuple(y.shape))

# %%
# A behaviour-cloned actor of Stable-Baselines3.

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import gymnasium
    from stable_baselines3.common.policies import ActorCriticPolicy

torch.manual_seed(0)
spaces = [gymnasium.spaces.Box(-1.0, 1.0, (width,)) for width in (x.shape[1], y.shape[1])]
policy = ActorCriticPolicy(*spaces, lr_schedule=lambda _: 1e-3, net_arch=[64, 64])
optimizer = torch.optim.Adam(policy.parameters(), lr=1e-3, weight_decay=1e-4)
for _ in range(300):
    optimizer.zero_grad()
    torch.nn.functional.mse_loss(policy.get_distribution(x).distribution.mean, y).backward()
    optimizer.step()

# %%
# The policy's own ``forward`` samples an action, so its action's mean is what is held against the expert's: a module of
# a few lines says so.


class Actor(torch.nn.Module):
    """The mean action."""

    def __init__(self, policy):
        super().__init__()
        self.features, self.body, self.action_net = policy.features_extractor, policy.mlp_extractor, policy.action_net

    def forward(self, observation):
        return self.action_net(self.body.forward_actor(self.features(observation)))


report = deepnrc.probe(Actor(policy), (x, y), layers=["body.policy_net.*", "action_net"], progress=False)
report.summary()
