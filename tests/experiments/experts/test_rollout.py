"""Experience is gathered from roll-out to roll-out without starting over."""

from types import SimpleNamespace

import numpy as np

from experiments.experts.rollout import Explorer


class Counter:
    """An environment whose observation counts the steps of an episode of five."""

    action_space = SimpleNamespace(low=np.full(2, -1.0, np.float32), high=np.full(2, 1.0, np.float32))

    def reset(self, seed=None):
        self.at, self.seen = 0, []
        return np.zeros(3), {}

    def step(self, action):
        self.at += 1
        self.seen.append(action)
        return np.full(3, float(self.at)), 1.0, False, self.at == 5, {}


def test_roll_outs_follow_one_another(novice):
    env = Counter()
    explorer = Explorer(env, seed=0)
    policy, spread = novice(3, 2), np.full(2, 2.0, np.float32)
    first, second = (explorer.gather(policy, spread, 4) for _ in range(2))
    assert first.observations[:, 0].tolist() == [0, 1, 2, 3]
    assert first.next_observations[:, 0].tolist() == [1, 2, 3, 4]
    assert second.observations[:, 0].tolist() == [4, 0, 1, 2]
    assert second.next_observations[0, 0] == 5  # what the step led to, before the reset
    assert second.ended.tolist() == [True, False, False, False]
    assert not second.terminated.any()
    assert np.abs(first.actions).max() > 1 >= np.abs(np.array(env.seen)).max()  # sampled; what is executed is clipped
