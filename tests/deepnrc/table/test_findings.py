"""What a run comes to, in sentences, on tables whose answers are known."""

from typing import Any

import pytest

from deepnrc import Report
from deepnrc.table import COLUMNS
from deepnrc.table.findings import findings, words

NAN = float("nan")
GOOD = {"noise": 0.01, "align": 0.99, "high": 0.5, "gap": 0.0, "d": 16}


def table(
    *layers: dict[str, Any],
    shares: tuple[float, ...] = (0.99, 0.9),
    accuracy: float | None = None,
    step: int = 0,
    record: dict[str, Any] | None = None,
    leave: tuple[str, ...] = (),
) -> Report:
    """A report of one step; a layer's values are those of a collapsed one but for what is given."""
    rows: list[dict[str, Any]] = []
    blank = {name: "" if kind == "str" else None for name, kind in COLUMNS.items()}
    blank |= {"run": "a", "step": step, "variant": "default", "status": "ok", "n_samples": 90, "target_dim": 3}

    def add(measure: str, value: float, **rest: Any) -> None:
        if measure not in leave:
            rows.append(blank | {"measure": measure, "value": value, "rank": 2, "dim": 3, "chance": 0.1} | rest)

    for depth, given in enumerate(layers):
        one = GOOD | given
        place = {"depth": depth, "layer": f"fc{depth}", "dim": one["d"]}
        add("deep.noise_fraction", one["noise"], **place, reference=one.get("reference"))
        add("deep.feature_weight_alignment", one["align"], **place, chance_high=one["high"])
        add("deep.direction_r2_gap", one["gap"], **place)
    network = {"depth": -1, "layer": "(network)"}
    for i, share in enumerate(shares, 1):
        add(f"model.direction_r2_{i}", share, **network)
    note = "" if shares else "the network's output was not seen"
    add("model.direction_r2_smallest", min(shares, default=NAN), **network, note=note)
    if accuracy is not None:
        add("model.accuracy", accuracy, **network)
    return Report.of(rows, [{"run": "a", "step": step} | (record or {})])


def said(report: Report, tau: float = 0.2) -> str:
    return "\n".join(findings(report, "a", tau))


def test_what_is_collapsed_is_said_with_its_conditions() -> None:
    found = said(table({"noise": 0.9}, {}, {}))
    assert found.startswith("collapsed from fc1 on (2 of 3 judged layers): noise <= 0.2 (1 - k/d), aligned")
    assert "low noise" not in found
    assert "network R2 along the target directions, strongest first: 0.99, 0.9" in found


def test_since_which_step_it_is_collapsed() -> None:
    steps = [
        table({"noise": 0.9}, {"noise": 0.9}),
        table({"noise": 0.9}, {}, step=4),
        table({"noise": 0.9}, {}, step=9),
    ]
    assert "(1 of 2 judged layers, since step 4)" in said(steps[0] + steps[1] + steps[2])


@pytest.mark.parametrize(("collapsed", "start"), [(4, None), (9, 9)])
def test_since_when_is_not_said_where_the_step_before_could_not_be_judged(collapsed: int, start: int | None) -> None:
    first = table({"noise": 0.9}, {}, leave=("deep.feature_weight_alignment",))
    later = [table({"noise": 0.9}, {} if step >= collapsed else {"align": 0.1}, step=step) for step in (4, 9)]
    found = said(first + later[0] + later[1])
    assert "collapsed from fc1 on (1 of 2 judged layers" in found
    assert f"judged layers{'' if start is None else f', since step {start}'}): noise" in found


def test_reasons_stand_by_condition_with_their_layers() -> None:
    layers = [{"noise": 0.9}, {"align": 0.6}, {"gap": 0.2}, {"align": 0.4, "gap": 0.3}, {"reference": 0.015}]
    assert findings(table(*layers), "a")[0] == (
        "not collapsed: noise is above 0.2 (1 - k/d) at fc0; noise is more than half of the reference's at fc4; not "
        "aligned with the weight at fc1, fc3; no affine map predicts as the network does from fc2, fc3"
    )
    assert "low noise from fc1 on (4 of 5 layers)" in said(table(*layers))


def test_a_network_that_dropped_a_direction_has_not_learned_and_the_rank_left_is_named() -> None:
    found = said(table({}, {}, shares=(0.99, 0.98, 0.01)))
    assert found.startswith("not learned: R2 is 0.01 along a direction of the targets; low noise at fc0, fc1")
    assert "0.99, 0.98, 0.01; dropped: direction 3. rank=2 measures the directions that are left" in found


@pytest.mark.parametrize(
    ("shares", "words"),
    [
        ((0.99, 0.3, 0.01), "; not learned: direction 2; dropped: direction 3. rank=2 measures"),
        ((0.99, 0.01, 0.9), "; dropped: direction 2"),
        ((0.99, 0.02, 0.0, -0.1), "; dropped: directions 2, 3, 4. rank=1 measures"),
        ((0.02, -3.0), "0.02, -3; none was learned"),
    ],
)
def test_dropped_directions_are_named(shares: tuple[float, ...], words: str) -> None:
    line = findings(table({}, shares=shares), "a")[-1]
    assert words in line
    assert ("rank=" in line) == ("rank=" in words)


def test_classes_have_no_line_on_directions() -> None:
    assert "directions" not in said(table({}, shares=(0.1,), accuracy=0.99))


def test_narrow_layers_are_named_and_without_another_there_is_no_verdict() -> None:
    assert "too narrow to tell, d < 2k: fc1" in said(table({"noise": 0.9}, {"d": 3}))
    found = said(table({"d": 3}, {"d": 2}))
    assert found.startswith("no verdict: no layer can be judged")
    assert "too narrow to tell, d < 2k: fc0, fc1" in found


def test_a_report_of_0_1_tells_low_noise_and_not_collapse() -> None:
    record = {"versions": {"deepnrc": "0.1.0"}}
    late = ("deep.direction_r2_gap", "model.direction_r2_smallest")
    old = table({"noise": 0.9, "high": None}, {"high": None}, leave=late, shares=(), record=record)
    assert findings(old, "a") == [
        "collapse cannot be told: measured by DeepNRC 0.1.0 before it read R2 by direction and null levels; low noise "
        "can be told, collapse cannot",
        "low noise from fc1 on (1 of 2 layers): noise <= 0.2",
    ]


def test_measures_that_a_verdict_lacks_are_named() -> None:
    found = said(table({"noise": 0.9}, {}, leave=("deep.direction_r2_gap",)))
    assert found.startswith("collapse cannot be told: 'deep.direction_r2_gap' was not measured")
    unread = said(table({"noise": 0.9}, {}, shares=()))
    assert unread.startswith("collapse cannot be told: the network's R2 is unknown: the network's output was not seen")


def test_without_the_noise_fraction_nothing_is_said() -> None:
    assert findings(table({}, leave=("deep.noise_fraction",)), "a") == []


@pytest.mark.parametrize(
    ("verdict", "low", "said"),
    [
        ("collapsed", True, "collapsed"),
        ("not measured", True, "low noise, rest unknown"),
        ("sketched", True, "low noise, rest unknown"),
        ("sketched", None, "sketched"),
    ],
)
def test_low_noise_is_told_where_the_rest_is_unknown(verdict: str, low: bool | None, said: str) -> None:
    assert words(verdict, low) == said
