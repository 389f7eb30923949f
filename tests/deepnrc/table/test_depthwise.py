import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from deepnrc import UsageError
from deepnrc.report import Report
from deepnrc.table import COLUMNS, NETWORK


def report(values, measure="my.own", statuses=None, run="net", step=0):
    fixed = {name: "" if kind == "str" else None for name, kind in COLUMNS.items()}
    fixed |= {"run": run, "step": step, "measure": measure, "variant": "default"}
    numbers = dict.fromkeys(["chance", "chance_high", "floor"], np.nan) | dict.fromkeys(
        ["rank", "n_samples", "dim", "target_dim"], 4
    )
    rows = [
        fixed | numbers | {"depth": i, "layer": f"l{i}", "value": value, "status": (statuses or {}).get(i, "ok")}
        for i, value in enumerate(values)
    ]
    whole = fixed | numbers | {"depth": -1, "layer": NETWORK, "value": 1.0, "status": "ok", "measure": "model.own"}
    return Report.of([*rows, whole])


@pytest.mark.parametrize(
    ("values", "wanted"), [([1, 2, 5], 1), ([9, 3, 1, 0], -1), ([1, 3, 2, 4], 0.8), ([2, 2, 1], -(3**0.5) / 2)]
)
def test_monotonicity_is_spearmans(values, wanted):
    found = report(values).monotonicity("my.own")
    assert found["correlation"].tolist() == [pytest.approx(wanted)]
    assert wanted == pytest.approx(spearmanr(range(len(values)), values).statistic)
    assert found["layers"].tolist() == [len(values)]


def test_what_is_degenerate_takes_no_part_and_too_little_has_none():
    assert report([3, 99, 2, 1], statuses={1: "degenerate"}).monotonicity("my.own")["correlation"][0] == -1
    for values in ([1.0], [2.0, 2.0]):
        assert pd.isna(report(values).monotonicity("my.own")["correlation"][0])


def test_each_run_and_step_has_its_own():
    both = report([1, 2, 3]) + report([3, 2, 1], step=1) + report([1, 2, 3], run="b")
    found = both.monotonicity("my.own")
    assert found[["run", "step", "correlation"]].to_numpy().tolist() == [["net", 0, 1], ["net", 1, -1], ["b", 0, 1]]
    with pytest.raises(UsageError, match="has no depth"):
        both.monotonicity("model.own")
    with pytest.raises(UsageError, match="no variant 'x'"):
        both.monotonicity("my.own", "x")


@pytest.mark.parametrize(
    ("values", "layer"),
    [([0.5, 0.04, 0.2, 0.05, 0.0], "l3"), ([0.0, 0.0], "l0"), ([0.0, 0.3], None), ([0.3, np.nan], None)],
)
def test_effective_depth_is_where_the_error_stays_low(values, layer):
    found = report(values, "nc.ncc_error").effective_depth()
    assert found["eps"][0] == 0.05
    assert (pd.isna(found["layer"][0]), pd.isna(found["depth"][0])) if layer is None else found["layer"][0] == layer


def test_effective_depth_of_a_table_without_the_error_and_of_no_share():
    with pytest.raises(UsageError, match=r"no measure 'nc.ncc_error'"):
        report([1]).effective_depth()
    with pytest.raises(UsageError, match="share of samples"):
        report([0.1], "nc.ncc_error").effective_depth(1.0)
