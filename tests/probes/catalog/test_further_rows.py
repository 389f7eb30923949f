import pytest

from probes import CATALOG, Pass, numerical_rank
from probes.catalog.further_rows import ROWS


def test_what_is_costly_is_measured_when_named_and_all_else_always():
    named = {p.label for p in ROWS if not p.default and "direction_r2" not in p.name}
    assert named == {"rank.effective (singular values)", "dimension.two_nn", "dimension.two_nn (targets)"}
    assert all(kind.in_pass is Pass.FIRST for p in ROWS if p.default for kind in p.statistics.values())


def test_none_of_them_crowds_the_main_ones():
    assert not any(p.main for p in ROWS)


def test_a_numerical_rank_of_ones_own(layer, snap):
    H, Y, _ = layer()
    snapshot = snap(H, Y)
    s = snapshot.features.values.sqrt()
    for tau in (0.5, 0.1, 1e-6):
        probe = numerical_rank(tau)
        assert probe.variant == f"tau = {tau:g}"
        assert probe.evaluate(snapshot).outcome.value == int((s > tau * s[0]).sum())
    assert numerical_rank(1e-3).label == "rank.numerical"
    assert [p.variant for p in CATALOG if p.name == "rank.numerical"] == ["default", "share, tau = 0.001"]
    with pytest.raises(ValueError, match="tau is a share"):
        numerical_rank(1.0)
