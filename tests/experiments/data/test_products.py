"""Products of matrices by tiles: every way gives the product."""

import numpy as np
import pytest

from experiments.data.products import CHOICES, product


@pytest.mark.parametrize("seed", range(12))
def test_every_way_through_the_tiles_gives_the_product(seed):
    g = np.random.default_rng(seed)
    setting = {name: int(g.choice(values)) for name, values in CHOICES.items()}
    left, right = g.normal(size=(2, 256, 256))
    m, n, k = (setting[name] for name in ("rows", "columns", "inner"))
    a = left[:k, :m].T if setting["left transposed"] else left[:m, :k]
    b = right[:n, :k].T if setting["right transposed"] else right[:k, :n]
    np.testing.assert_allclose(product(setting, left, right), a @ b, rtol=1e-10, atol=1e-10)
