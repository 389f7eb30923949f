"""Generalised advantage estimation (Schulman et al., 2016, equation 16)."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]


def advantages(
    rewards: Array,
    values: Array,
    next_values: Array,
    terminated: NDArray[np.bool_],
    ended: NDArray[np.bool_],
    gamma: float,
    trace: float,
) -> NDArray[np.float64]:
    """Advantage (T,) of each of T consecutive steps.

    ``next_values`` (T,) belong to the observation that each step led to, before any reset. A terminated step has no
    future; one that is merely cut off (``ended`` but not ``terminated``) keeps its next value as its future, and in
    both cases the sum over later steps stops.

        delta_t = r_t + gamma V(s_t+1) - V(s_t),    A_t = delta_t + gamma trace A_t+1
    """
    deltas = rewards + gamma * next_values * ~terminated - values
    result = np.empty(len(deltas), dtype=np.float64)
    later = 0.0
    for t in reversed(range(len(deltas))):
        later = float(deltas[t]) + gamma * trace * later * (not ended[t])
        result[t] = later
    return result
