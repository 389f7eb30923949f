"""One sentence on what a report comes to, true by the verdicts."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import pytest

from deepnrc import Table
from deepnrc.table import COLUMNS, opening

Rows = list[dict[str, Any]]
NOISE, ALIGNED, GAP, LEARNED = (
    "deep.noise_fraction", "deep.feature_weight_alignment", "deep.direction_r2_gap", "model.direction_r2_smallest",
)  # fmt: skip


def one(
    noises: Sequence[float], run: str = "a", step: int = 0, learned: float = 0.9, align: float = 0.95, **more: Any
) -> Rows:
    """A run whose layers fc0, fc1, ... are aligned and predict, with these noise fractions."""
    blank = {name: "" if kind == "str" else None for name, kind in COLUMNS.items()}
    facts = {"run": run, "step": step, "kind": "Linear", "variant": "default", "status": "ok", "n_samples": 64}
    sizes = {"dim": 16, "target_dim": 2, "rank": 2, "chance": 0.4, "chance_high": 0.5, "floor": 1e-15, "pool": "none"}
    spare = dict.fromkeys(["corrected", "low", "high", "reference"], float("nan"))
    base = {**blank, **facts, **sizes, **spare, **more}
    rows = [
        {**base, "depth": depth, "layer": f"fc{depth}", "measure": measure, "value": value}
        for depth, noise in enumerate(noises)
        for measure, value in ((NOISE, noise), (ALIGNED, align), (GAP, 0.0))
    ]
    rows.append({**base, "depth": -1, "layer": "(network)", "measure": LEARNED, "value": learned})
    return rows


def said(*runs: Rows) -> str:
    return opening(Table.of([row for rows in runs for row in rows]))


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (
            one([0.5, 3e-4, 3e-9]),
            "Layer fc2 keeps 3e-9 of its variance outside the 2 directions of the targets, and layers fc1 and fc2 are "
            "collapsed.",
        ),
        (one([3e-4] * 4), "Layer fc3 keeps 3e-4 of its variance outside the 2 directions of the targets, and layers "
                          "fc0 to fc3 are collapsed."),
        (one([0.5, 0.01], rank=1), "Layer fc1 keeps 0.01 of its variance outside the one direction of the targets, and "
                                   "layer fc1 is collapsed."),
        (one([0.5, 1e-17]), "Layer fc1 keeps at most 1e-15 of its variance outside the 2 directions of the targets, "
                            "and layer fc1 is collapsed."),
        (one([0.5, 0.07], align=0.2), "No layer is collapsed: layer fc1 keeps 0.07 of its variance outside the 2 "
                                      "directions of the targets (noise is low; it is not aligned with its weight)."),
        (one([0.01, 0.5]), "Layer fc0 is collapsed, but not the layers up to the last one: layer fc1 keeps 0.5 of its "
                           "variance outside the 2 directions of the targets."),
        (one([0.5, 0.01], learned=0.1), "No layer is called collapsed, as the network has not learned: R2 is 0.1 "
                                              "along a direction of the targets."),
        (one([0.5, 0.01], dim=3), "No layer can be judged: all are too narrow to tell, d < 2k."),
        (one([0.5, 0.01], learned=float("nan")), "Collapse cannot be told: what that rests on could not all be read."),
    ],
)  # fmt: skip
def test_each_case_is_said_as_the_verdicts_have_it(rows: Rows, sentence: str) -> None:
    assert said(rows) == sentence


def test_each_of_few_runs_has_its_clause_and_many_are_counted() -> None:
    decayed, plain = one([0.5, 3e-9], "weight decay 0.001"), one([0.5, 7e-1], "weight decay 0")
    assert said(one([0.6, 0.6], "weight decay 0.001", 1), [dict(row, step=9) for row in decayed], plain) == (
        "In 'weight decay 0.001' at step 9 layer fc1 keeps 3e-9 of its variance outside the 2 directions of the "
        "targets, and layer fc1 is collapsed; in 'weight decay 0' no layer is collapsed: layer fc1 keeps 0.7 of its "
        "variance outside the 2 directions of the targets."
    )
    many = [one([0.5, 0.01 if i == 3 else 0.9], f"r{i}") for i in range(6)]
    assert said(*many) == (
        "In 1 of 6 runs layers are collapsed up to the last one that can be judged, the most in 'r3': 1 of 2, from fc1 "
        "on."
    )
    assert said(*(one([0.9], f"r{i}") for i in range(5))) == "In none of 5 runs is the network collapsed."


def test_it_says_what_the_verdicts_say() -> None:
    table = Table.of(one([0.3, 0.01, 0.2, 1e-3, 1e-5]))
    judged = table.verdicts()
    collapsed = judged.loc[judged["verdict"] == "collapsed", "layer"].tolist()
    assert collapsed[-2:] == ["fc3", "fc4"]
    assert "layers fc3 and fc4 are collapsed" in opening(table)


def test_nothing_is_said_where_noise_was_not_measured() -> None:
    table = Table.of([row for row in one([0.5]) if row["measure"] != NOISE])
    assert opening(table) == ""
    assert isinstance(table.table, pd.DataFrame)
