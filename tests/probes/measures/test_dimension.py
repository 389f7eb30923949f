import numpy as np
import pytest
import torch
from sklearn.datasets import make_swiss_roll
from sklearn.neighbors import NearestNeighbors

from probes import Batch, DegenerateError
from probes.measures.dimension import nearest_two, slope
from probes.streaming.rows import Rows


def plain(X):
    """The estimate with scikit-learn's neighbours."""
    r = NearestNeighbors(n_neighbors=3, algorithm="brute").fit(X).kneighbors(X)[0]
    x = np.sort(np.log(r[:, 2] / r[:, 1]))[:-1]
    y = -np.log(1 - np.arange(1, len(X)) / len(X))
    return float(x @ y / (x @ x))


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize(("N", "d"), [(20, 1), (300, 3), (1000, 24)])
def test_is_what_scikit_learns_neighbours_give(N, d):
    X = drawn(N, d)
    assert slope(nearest_two(X)) == pytest.approx(plain(X.numpy()), rel=1e-9)


@pytest.mark.parametrize("dim", [1, 2, 4, 6])
def test_known_manifolds_in_a_wider_space(dim):
    U = torch.rand(2000, dim, generator=torch.Generator().manual_seed(dim), dtype=torch.float64)
    bent = torch.cat([U @ drawn(dim, 20), (0.3 * U @ drawn(dim, 4)).sin()], 1)
    assert slope(nearest_two(bent)) == pytest.approx(dim, rel=0.12)


def test_a_swiss_roll_is_a_plane():
    assert slope(nearest_two(torch.from_numpy(make_swiss_roll(2000, random_state=0)[0]))) == pytest.approx(2, rel=0.1)


@pytest.mark.parametrize(("scale", "offset"), [(1e-6, 0.0), (1e6, 0.0), (1.0, 1e4)])
def test_neither_scale_nor_offset_nor_rotation_changes_it(layer, snap, outcome, scale, offset):
    H, Y, _ = layer()
    Q = torch.linalg.qr(drawn(24, 24))[0]
    values = [_of(snap, outcome, X, Y).value for X in (H, H @ Q * scale + offset)]
    assert values[1] == pytest.approx(values[0], rel=1e-6)


def _of(snap, outcome, H, Y, variant="default"):
    rows = Rows(H.shape[1], Y.shape[1])
    rows.update(Batch(H, Y))
    snapshot = snap(H, Y)
    snapshot.statistics["rows"] = rows
    return outcome("dimension.two_nn", snapshot, variant)


def test_of_targets_and_what_the_note_says(layer, snap, outcome):
    H, Y, _ = layer(N=2500, n=3)
    found = _of(snap, outcome, H, Y, "targets")
    assert found.value == pytest.approx(3, rel=0.15)
    assert found.note == "over 2000 of 2500 samples"
    twice = _of(snap, outcome, H[:100], Y[:50].repeat(2, 1), "targets")
    assert (twice.status, twice.note) == ("ok", "50 of them are distinct")
    classes = torch.eye(3, dtype=torch.float64)[torch.arange(100) % 3]
    assert _of(snap, outcome, H[:100], classes, "targets").note == "3 distinct points are too few: 20 are needed"


def test_neighbours_within_rounding_say_nothing(snap, outcome, layer):
    _, Y, _ = layer(N=200)
    H = (drawn(4, 24)[torch.arange(200) % 4] + 1e-8 * drawn(200, 24)).float()
    found = _of(snap, outcome, H.double(), Y)
    assert found.status == "ok"
    rows = Rows(24, 4)
    rows.update(Batch(H.double(), Y))
    snapshot = snap(H, Y)
    snapshot.statistics["rows"] = rows
    found = outcome("dimension.two_nn", snapshot)
    assert (found.status, found.note) == ("degenerate", "nearest neighbours are no further apart than rounding")


@pytest.mark.parametrize("spread", [1.0, 1e-4, 1e-7, 1e-10])
def test_neighbours_within_tight_classes_are_found(spread):
    X = drawn(4, 24)[torch.arange(300) % 4] + spread * drawn(300, 24, seed=1)
    exact = torch.cdist(X, X, compute_mode="donot_use_mm_for_euclid_dist").fill_diagonal_(torch.inf)
    torch.testing.assert_close(nearest_two(X), exact.topk(2, largest=False).values, rtol=1e-12, atol=0)


def test_a_lattice_has_no_slope():
    grid = torch.cartesian_prod(torch.arange(6.0), torch.arange(6.0)).double()
    with pytest.raises(DegenerateError, match="as far from its second neighbour"):
        slope(nearest_two(grid))
