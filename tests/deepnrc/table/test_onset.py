import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

from deepnrc import Report, UsageError
from deepnrc.table import COLUMNS, check_tau, onsets, since

NAN = float("nan")
NOISE, ALIGN = "deep.noise_fraction", "deep.feature_weight_alignment"


def rows(measure: str, values: list[float], **changes: Any) -> list[dict[str, Any]]:
    """One row a layer, deepest first, so that nothing rests on the order of rows; layer names sort against depth."""
    status = changes.pop("statuses", ["ok"] * len(values))
    return [
        dict.fromkeys(COLUMNS, 0)
        | {"reference": NAN, "rank": 1, "dim": 8}
        | {"run": "a", "depth": i, "layer": f"layer{len(values) - i}", "measure": measure, "variant": "default"}
        | {"value": value, "status": status[i]}
        | changes
        for i, value in reversed(list(enumerate(values)))
    ]


def table(*parts: list[dict[str, Any]]) -> pd.DataFrame:
    return Report.of([row for part in parts for row in part]).table


@pytest.mark.parametrize(
    ("noise", "depth"),
    [
        ([0.9, 0.5, 0.1, 0.0], 2),
        ([0.1, 0.1, 0.1, 0.1], 0),
        ([0.9, 0.9, 0.9, 0.9], None),
        ([0.1, 0.1, 0.1, 0.9], None),
        ([0.1, 0.1, 0.9, 0.1], 3),
        ([0.1, 0.9, 0.1, 0.1], 2),
        ([0.1, NAN, 0.1, 0.1], 2),
        ([0.1, 0.1, 0.1, NAN], None),
        ([0.3, 0.2, 0.2, 0.2], 1),
        ([0.1, 0.1, 0.2000001, 0.2], 3),
    ],
)
def test_the_first_layer_of_the_unbroken_run_that_ends_the_network(noise: list[float], depth: int | None) -> None:
    found = onsets(table(rows(NOISE, noise))).iloc[0]
    assert (found["rule"], found["tau"], found["of"]) == ("noise", 0.2, 4)
    if depth is None:
        assert found["layers"] == 0
        assert found["depth"] is pd.NA
        assert found["layer"] is pd.NA
    else:
        assert (found["depth"], found["layer"], found["layers"]) == (depth, f"layer{4 - depth}", 4 - depth)


def test_a_degenerate_layer_is_not_collapsed_although_its_value_is_small() -> None:
    statuses = ["ok", "degenerate", "ok", "below floor"]
    assert onsets(table(rows(NOISE, [0.0] * 4, statuses=statuses)))["depth"].tolist() == [2]


def test_tau_is_an_argument_and_is_stored() -> None:
    found = onsets(table(rows(NOISE, [0.9, 0.5, 0.1])), 0.5).query("rule == 'noise'")
    assert (found["tau"].item(), found["depth"].item()) == (0.5, 1)


@pytest.mark.parametrize("tau", [0, 1, -0.1, 1.5, NAN, "0.2", None, [0.2], np.array([0.1, 0.2])])
def test_a_tau_that_is_no_noise_fraction_is_refused(tau: Any) -> None:
    words = f"tau is a noise fraction and must lie between 0 and 1; it is {tau!r}."
    with pytest.raises(UsageError, match=re.escape(words)):
        check_tau(tau)
    with pytest.raises(UsageError, match="tau is a noise fraction"):
        onsets(table(rows(NOISE, [0.1])), tau)


def test_without_the_noise_fraction_there_is_no_onset() -> None:
    with pytest.raises(UsageError, match=r"Collapse onset needs deep\.noise_fraction, .* Add it to probes="):
        onsets(table(rows(ALIGN, [0.9])))
    mixed = onsets(table(rows(ALIGN, [0.9]), rows(NOISE, [0.1], run="b")))
    assert mixed["run"].tolist() == ["b"]


def rests_on(align: list[float], gaps: list[float], smallest: float) -> list[list[dict[str, Any]]]:
    network = rows("model.direction_r2_smallest", [smallest], layer="(network)", depth=-1)
    return [rows(ALIGN, align, chance_high=0.5), rows("deep.direction_r2_gap", gaps), network]


@pytest.mark.parametrize(
    ("noise", "align", "gaps", "depth"),
    [
        ([0.1] * 3, [0.9] * 3, [0.0] * 3, 0),
        ([0.9, 0.1, 0.1], [0.9] * 3, [0.0] * 3, 1),
        ([0.1] * 3, [0.9, 0.79, 0.8], [0.0] * 3, 2),
        ([0.1] * 3, [0.9] * 3, [0.06, 0.05, -0.1], 1),
        ([0.1] * 3, [0.9] * 3, [0.0, 0.0, 0.2], None),
    ],
)
def test_the_rule_of_collapse_is_that_of_the_verdicts(
    noise: list[float], align: list[float], gaps: list[float], depth: int | None
) -> None:
    found = onsets(table(rows(NOISE, noise), *rests_on(align, gaps, 0.9))).set_index("rule")
    assert found.index.tolist() == ["noise", "collapsed"]
    assert found.loc["collapsed", "layers"] == (0 if depth is None else 3 - depth)
    assert pd.isna(found.loc["collapsed", "depth"]) if depth is None else found.loc["collapsed", "depth"] == depth


@pytest.mark.parametrize("parts", [[], rests_on([0.9, 0.9], [0.0, 0.0], NAN)])
def test_the_rule_of_collapse_is_left_out_where_there_is_no_verdict(parts: list[list[dict[str, Any]]]) -> None:
    assert onsets(table(rows(NOISE, [0.9, 0.1]), *parts))["rule"].tolist() == ["noise"]


def test_other_variants_do_not_count() -> None:
    other = rows(NOISE, [0.9, 0.9], variant="other")
    assert onsets(table(rows(NOISE, [0.1, 0.1]), other))["depth"].tolist() == [0]


def test_each_run_and_step_has_its_own_onset_in_the_table_s_order() -> None:
    parts = [
        rows(NOISE, [0.9, 0.9], run="b", step=0),
        rows(NOISE, [0.9, 0.1], run="b", step=5),
        rows(NOISE, [0.1, 0.1], step=2),
    ]
    found = onsets(table(*parts))
    told = found[found["rule"] == "noise"]
    assert told[["run", "step"]].to_numpy().tolist() == [["b", 0], ["b", 5], ["a", 2]]
    assert told["layers"].tolist() == [0, 1, 2]
    assert list(found) == ["run", "step", "rule", "tau", "depth", "layer", "layers", "of"]
    assert (str(found["depth"].dtype), str(found["layer"].dtype)) == ("Int64", "string")


@pytest.mark.parametrize(
    ("layers", "step"),
    [([0, 1, 2, 2], 2), ([2, 2, 2, 2], 0), ([2, 0, 1, 1], 2), ([1, 3, 2, 1], 0), ([2, 2, 2, 0], None)],
)
def test_since_is_the_step_from_which_it_stayed_as_at_the_last(layers: list[int], step: int | None) -> None:
    parts = [rows(NOISE, [0.9] * (3 - n) + [0.1] * n, step=i) for i, n in enumerate(layers)]
    found = onsets(table(*reversed(parts)))
    assert since(found, "a") == step
    assert since(found, "nobody") is None
