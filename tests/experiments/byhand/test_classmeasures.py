"""The classifier measures by hand, on planted features."""

import numpy as np
import pytest

from experiments.byhand.classmeasures import class_measures


def test_a_planted_classifier_has_its_known_measures():
    simplex = np.eye(3) - 1 / 3
    labels = np.repeat([0, 1, 2], 4)
    spread = np.array([0.1, -0.1, 0.1, -0.1] * 3)[:, None] * np.ones(3)  # across the simplex's own plane
    H = simplex[labels] + spread
    found = class_measures(H, labels, simplex, np.where(labels == 2, 0, labels))
    assert found["nc.1", "default"] == pytest.approx(0, abs=1e-12)
    assert found["nc.1", "trace"] == pytest.approx(0.03 / (2 / 3))
    assert found["nc.1", "total"] == pytest.approx(0.03 / (2 / 3 + 0.03))
    assert found["nc.2", "default"] == pytest.approx(0, abs=1e-12)
    assert found["nc.3", "default"] == pytest.approx(0, abs=1e-12)
    assert found["nc.2", "orthogonal frame"] == pytest.approx(np.linalg.norm(simplex / 2**0.5 - np.eye(3) / 3**0.5))
    assert found["nc.4", "default"] == pytest.approx(1 / 3)
    assert found["nc.ncc_error", "default"] == 0
    assert found["nc.total_variation", "default"] == pytest.approx(0.03)
    assert found["nc.cdnv", "default"] == pytest.approx(0.03 / 2)
    assert found["nc.cdnv", "without 1/2"] == pytest.approx(0.03)
    for name in ("nc.equinorm", "nc.gnc2", "nc.unc3"):
        assert found[name, "default"] == pytest.approx(0, abs=1e-12)
