"""Curves of the papers, and a table's values beside them."""

import math

import pandas as pd
import pytest

from deepnrc import CATALOG, Report, UsageError
from deepnrc.table import COLUMNS, apart, published_curve, published_curves

NOISE, SWIMMER = "deep.noise_fraction", ("swimmer", "wd 5e-3")


def rows(values, *, run="net", measure=NOISE, variant="default", rank=2, step=0, status="ok"):
    return [
        {"run": run, "step": step, "depth": i, "layer": f"layer{i + 1}", "kind": "Linear", "measure": measure,
         "variant": variant, "value": value, "status": status, "note": "", "n_samples": 10, "dim": 8, "target_dim": 2,
         "rank": rank, "pool": "none"}
        for i, value in enumerate(values)
    ]  # fmt: skip


def report(*parts):
    return Report(pd.DataFrame([row for part in parts for row in part]).reindex(columns=list(COLUMNS)).astype(COLUMNS))


def test_every_curve_is_of_a_measure_in_the_catalog_and_within_its_bounds():
    known = {(probe.name, probe.variant): probe for probe in CATALOG}
    for curve in published_curves():
        low, high = known[curve.measure, curve.variant].bounds
        assert all(low <= value <= high for value in curve.values.values()), curve
        assert min(curve.values) >= 0
        assert max(curve.values) <= curve.layers
    keys = [(c.paper, c.study, c.series, c.measure, c.variant) for c in published_curves()]
    assert len(set(keys)) == len(keys)


def test_the_first_layer_of_the_synthetic_curve_is_the_top_3_of_a_gaussian():
    curve = published_curve(NOISE, ("synthetic, rank 2 in R^10", "good"))
    assert (curve.k, curve.layers, curve.values[1], curve.values[10]) == (3, 10, 0.8392, 0.0003)
    ranks = published_curve("deep.feature_stable_rank", ("synthetic, rank 2 in R^10", "good"), "covariance")
    assert ranks.values[1] == 16.83


@pytest.mark.parametrize(
    ("study", "measure", "layers", "shown"),
    [
        ("carla 2d", NOISE, 17, range(1, 18)),
        ("utkface", NOISE, 33, range(27, 34)),
        ("carla 2d", "deep.cka", 17, range(14, 18)),
    ],
)
def test_curves_of_part_of_a_network_know_its_layers(study, measure, layers, shown):
    series = {"carla 2d": "wd 5e-3", "utkface": "wd 5e-4"}[study]
    curve = published_curve(measure, (study, series))
    assert (curve.layers, list(curve.values)) == (layers, list(shown))


def test_differences_are_taken_layer_by_layer_at_the_last_step():
    curve = published_curve(NOISE, SWIMMER)
    exact, halved = list(curve.values.values()), [value / 2 for value in curve.values.values()]
    both = report(rows([9.0] * 8, step=0), rows(exact, step=5), rows(halved, run="other"))
    found = both.beside_published(NOISE, SWIMMER)
    assert found.groupby("run")["relative"].max().to_dict() == pytest.approx({"net": 0, "other": 0.5})
    assert found["published_layer"].tolist() == [*range(1, 9)] * 2
    assert apart(found[found["run"] == "other"]) == "off: median 50 %, largest 50 %"


def test_part_of_a_network_is_held_against_its_own_layers():
    found = report(rows([0.5] * 17, measure="deep.cka")).beside_published("deep.cka", ("carla 2d", "wd 5e-3"))
    assert found["depth"].tolist() == [13, 14, 15, 16]
    assert found["published"].iloc[0] == 0.415


def test_what_has_no_value_is_not_compared():
    found = report(rows([0.5] * 8, status="degenerate")).beside_published(NOISE, SWIMMER)
    assert found["relative"].isna().all()
    assert apart(found) == "no value to compare"


def test_one_value_for_the_network_is_compared_as_such():
    whole = [dict(row, depth=-1) for row in rows([0.1356], measure="model.mse", rank=3)]
    found = report(whole).beside_published("model.mse", ("swimmer", ""))
    assert found["relative"].tolist() == [0]


@pytest.mark.parametrize(
    ("values", "rank", "words"),
    [([0.5] * 7, 2, "published network has 8 layers and 'net' has 7"), ([0.5] * 9, 2, "has 8 layers and 'net' has 9"),
     ([0.5] * 8, 3, "is at k = 2, and 'net' was measured at k = '3'. Probe with rank=2"),
     ([0.5] * 8, 1, "measured at k = '1'")],
)  # fmt: skip
def test_what_cannot_be_paired_is_refused(values, rank, words):
    with pytest.raises(UsageError, match=words):
        report(rows(values, rank=rank)).beside_published(NOISE, SWIMMER)


def test_k_matters_only_to_what_is_read_at_k():
    found = report(rows([0.5] * 8, measure="deep.cka", rank=5)).beside_published("deep.cka", SWIMMER)
    assert not math.isnan(found["relative"].max())


@pytest.mark.parametrize(
    ("measure", "published", "variant", "words"),
    [
        (NOISE, ("swimer", "wd 5e-3"), "default", "study 'swimer'. Did you mean 'swimmer'"),
        (NOISE, ("swimmer", "wd 1e-3"), "default", "no series 'wd 1e-3'.*Series: 'wd 5e-3', ''"),
        ("deep.weight_stable_rank", SWIMMER, "default", "no curve of deep.weight_stable_rank. It has: 'deep.noise"),
        (NOISE, SWIMMER, "sum", r"no curve of deep.noise_fraction \(variant 'sum'\)"),
        (NOISE, "swimmer", "default", "named by its study and series"),
    ],
)
def test_curves_that_there_are_not_are_refused(measure, published, variant, words):
    with pytest.raises(UsageError, match=words):
        published_curve(measure, published, variant)
