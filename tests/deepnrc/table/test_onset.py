import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

from deepnrc import Report, UsageError
from deepnrc.table import COLUMNS, check_tau, onsets, since

NAN = float("nan")
NOISE, ALIGN, LINEAR, MSE = "deep.noise_fraction", "deep.feature_weight_alignment", "deep.linear_mse", "model.mse"


def rows(measure: str, values: list[float], **changes: Any) -> list[dict[str, Any]]:
    """One row a layer, deepest first, so that nothing rests on the order of rows; layer names sort against depth."""
    status = changes.pop("statuses", ["ok"] * len(values))
    return [
        dict.fromkeys(COLUMNS, 0)
        | {"run": "a", "depth": i, "layer": f"layer{len(values) - i}", "measure": measure, "variant": "default"}
        | {"value": value, "status": status[i]}
        | changes
        for i, value in reversed(list(enumerate(values)))
    ]


def table(*parts: list[dict[str, Any]]) -> pd.DataFrame:
    return Report.of([row for part in parts for row in part]).table


def joint(noise: list[float], align: list[float], linear: list[float], own: float = 1.0) -> pd.DataFrame:
    network = rows(MSE, [own], layer="(network)", depth=-1)
    return table(rows(NOISE, noise), rows(ALIGN, align), rows(LINEAR, linear), network)


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
    found = onsets(table(rows(NOISE, [0.9, 0.5, 0.1])), 0.5)
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


@pytest.mark.parametrize(
    ("noise", "align", "linear", "depth"),
    [
        ([0.1] * 3, [0.9] * 3, [1.0] * 3, 0),
        ([0.9, 0.1, 0.1], [0.9] * 3, [1.0] * 3, 1),
        ([0.1] * 3, [0.9, 0.79, 0.8], [1.0] * 3, 2),
        ([0.1] * 3, [0.9] * 3, [2.2, 1.1, 1.0], 1),
        ([0.1] * 3, [0.9] * 3, [1.0, 1.0, 1.2], None),
        ([0.1] * 3, [0.9, 0.9, NAN], [1.0] * 3, None),
        ([0.1] * 3, [0.9, 0.9, 0.9], [NAN, 1.0, 1.0], 1),
    ],
)
def test_the_joint_rule_asks_for_all_three(
    noise: list[float], align: list[float], linear: list[float], depth: int | None
) -> None:
    found = onsets(joint(noise, align, linear)).set_index("rule")
    assert found.index.tolist() == ["noise", "joint"]
    assert found.loc["joint", "layers"] == (0 if depth is None else 3 - depth)
    assert pd.isna(found.loc["joint", "depth"]) if depth is None else found.loc["joint", "depth"] == depth


def test_the_joint_rule_is_left_out_where_the_network_s_error_is_not_known() -> None:
    assert onsets(joint([0.1], [0.9], [1.0], own=NAN))["rule"].tolist() == ["noise"]


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
    assert found[["run", "step"]].to_numpy().tolist() == [["b", 0], ["b", 5], ["a", 2]]
    assert found["layers"].tolist() == [0, 1, 2]
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
