"""Matrix products in tiles, timed on this machine: real run times where no file of them is at hand."""

from __future__ import annotations

import contextlib
import gc
import itertools
import time
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from torch import Tensor

from deepnrc.data import progress_bar
from experiments.data.cache import Arrays, cached

SIZES = (64, 96, 128, 160, 192, 224, 256)
TILES = (16, 32, 48, 64, 96, 128)
CHOICES = {
    **dict.fromkeys(("rows", "columns", "inner"), SIZES),
    **dict.fromkeys(("tile rows", "tile columns", "tile inner"), TILES),
    **dict.fromkeys(
        ("inner outermost", "columns first", "copy left", "copy right", "left transposed", "right transposed"), (0, 1)
    ),
    "double": (0, 1),
    "buffered": (0, 1),
}
RUNS, REPEATS = 4, 3
# others do not disturb the time that this process computes; where that is counted in coarse ticks, the wall's must do
CLOCK = time.process_time_ns if time.get_clock_info("process_time").resolution < 1e-5 else time.perf_counter_ns


def run_times(samples: int) -> tuple[Tensor, Tensor]:
    """Settings x (N, 14) of random products and the times y (N, 4) in ms of four runs of each.

    They are measured once and kept in the user's cache folder (XDG_CACHE_HOME), so that every later call reads the
    same numbers. About 10 ms a sample: each run is the fastest of three, in turns, since what disturbs a product only
    adds to its time. The settings are drawn from a fixed seed.
    Errors: UsageError if they cannot be kept; DataError if the kept file is damaged.
    """
    kept = cached(f"products-{samples}-best-of-{REPEATS}", lambda: _measured(samples))
    return torch.from_numpy(kept["x"]), torch.from_numpy(kept["y"])


def _measured(samples: int) -> Arrays:
    rng = np.random.default_rng(0)
    x = np.stack([rng.choice(values, size=samples) for values in CHOICES.values()], axis=1).astype(np.float64)
    square = rng.normal(size=(2, max(SIZES), max(SIZES)))
    operands = {kind: tuple(square.astype(kind)) for kind in (np.float32, np.float64)}
    y = np.full((samples, RUNS), np.inf)
    bar = progress_bar(x, desc="timing products", unit="product")
    with threadpool_limits(1), _no_collection():
        for row, values in enumerate(bar):
            setting = dict(zip(CHOICES, values.astype(int).tolist(), strict=True))
            left, right = operands[np.float64 if setting["double"] else np.float32]
            for run in [*range(RUNS)] * REPEATS:
                started = CLOCK()
                product(setting, left, right)
                y[row, run] = min(y[row, run], (CLOCK() - started) / 1e6)
    return {"x": x, "y": y}


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """No garbage is collected inside: once in thousands of products it would take as long as fifty of them."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def product(setting: Mapping[str, int], left: NDArray[Any], right: NDArray[Any]) -> NDArray[Any]:
    """The product (rows, columns) of the operands' corners, (rows, inner) and (inner, columns), tile by tile.

    A transposed operand is stored so: its corner is (inner, rows) or (columns, inner).
    """
    m, n, k = (setting[name] for name in ("rows", "columns", "inner"))
    a = left[:k, :m].T if setting["left transposed"] else left[:m, :k]
    b = right[:n, :k].T if setting["right transposed"] else right[:k, :n]
    out = np.zeros((m, n), dtype=left.dtype)
    steps = [range(0, size, setting[f"tile {name}"]) for size, name in ((m, "rows"), (n, "columns"), (k, "inner"))]
    order = (1, 0) if setting["columns first"] else (0, 1)
    order3 = (2, *order) if setting["inner outermost"] else (*order, 2)
    buffer = np.empty((setting["tile rows"], setting["tile columns"]), dtype=left.dtype)
    for found in itertools.product(*(steps[axis] for axis in order3)):
        i, j, p = (slice(at, at + steps[axis].step) for axis, at in sorted(zip(order3, found, strict=True)))
        one = np.ascontiguousarray(a[i, p]) if setting["copy left"] else a[i, p]
        other = np.ascontiguousarray(b[p, j]) if setting["copy right"] else b[p, j]
        whole = one.shape[0] == buffer.shape[0] and other.shape[1] == buffer.shape[1]
        out[i, j] += np.matmul(one, other, out=buffer) if setting["buffered"] and whole else one @ other
    return out
