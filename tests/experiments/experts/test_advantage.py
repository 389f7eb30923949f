"""Advantages equal the sum as it is written out."""

import numpy as np

from experiments.experts.advantage import advantages


def brute_force_advantages(r, v, w, terminated, ended, gamma, trace):  # type: ignore[no-untyped-def]
    """The sum of equation 16 written out, step by step, with nothing carried."""
    result = []
    for t in range(len(r)):
        total = 0.0
        for k in range(t, len(r)):
            future = 0.0 if terminated[k] else w[k]
            total += (gamma * trace) ** (k - t) * (r[k] + gamma * future - v[k])
            if ended[k]:
                break
        result.append(total)
    return np.array(result)


def test_advantages_equal_the_written_out_sum() -> None:
    draw = np.random.default_rng(0)
    r, v, w = draw.normal(size=(3, 60))
    terminated = draw.random(60) < 0.1
    ended = terminated | (draw.random(60) < 0.1)
    assert (ended & ~terminated).any()
    assert terminated.any()
    got = advantages(r, v, w, terminated, ended, 0.97, 0.9)
    np.testing.assert_allclose(got, brute_force_advantages(r, v, w, terminated, ended, 0.97, 0.9), rtol=1e-12)
