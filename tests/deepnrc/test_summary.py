from typing import Any

import pandas as pd
import pytest
import torch
from torch import nn

import deepnrc
from deepnrc import Report
from deepnrc.summary import text, verdict, warnings
from deepnrc.table import COLUMNS, as_record
from probes import Probe

NAN = float("nan")


def row(measure: str, value: float, depth: int = 0, **changes: Any) -> dict[str, Any]:
    return (
        {name: "" if kind == "str" else None for name, kind in COLUMNS.items()}
        | {"run": "a", "step": 0, "depth": depth, "layer": f"fc{depth}", "kind": "Linear", "measure": measure}
        | {"variant": "default", "value": value, "status": "ok", "n_samples": 64, "dim": 8 + depth, "target_dim": 2}
        | {"rank": 2, "chance": 0.41, "chance_high": 0.5, "floor": 3e-15}
        | dict.fromkeys(["corrected", "low", "high"], float("nan"))
        | changes
    )


def network(measure: str, value: float, **changes: Any) -> dict[str, Any]:
    return row(measure, value, -1, layer="(network)", kind="network") | changes


def noise(*values: float, **changes: Any) -> list[dict[str, Any]]:
    return [row("deep.noise_fraction", value, depth, **changes) for depth, value in enumerate(values)]


@pytest.fixture(scope="module")
def dead() -> Report:
    """A network whose first layer is dead, so that all that comes after it is constant."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 7), nn.ReLU(), nn.Linear(7, 2))
    nn.init.constant_(net[0].bias, -1e3)  # type: ignore[arg-type]
    return deepnrc.probe(net, (torch.randn(64, 5), torch.randn(64, 2)), run="mine", progress=False)


def test_warnings_come_first_and_name_layers_and_how_many_measures(dead: Report) -> None:
    sentence, _, *lines = str(dead).splitlines()
    assert sentence.startswith(("No layer", "Collapse"))
    marked = [line.startswith("! ") for line in lines]
    assert marked == sorted(marked, reverse=True)
    assert any("2, 4: the features do not vary over the samples (dead or constant layer) (" in line for line in lines)


def test_it_prints_no_nan_although_the_last_layer_is_dead(dead: Report) -> None:
    assert dead.table["value"].isna().any()
    assert "nan" not in str(dead).lower()
    assert "<NA>" not in str(dead)


def test_a_row_a_layer_with_the_heading_over_it(dead: Report) -> None:
    lines = str(dead).splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("layer "))
    assert lines[start - 1] == "mine, step 0: N = 64 samples, n = 2 targets, k = 2"
    assert [line.split()[:3] for line in lines[start + 1 : start + 4]] == [
        ["0", "Linear", "5"],
        ["2", "Linear", "6"],
        ["4", "Linear", "7"],
    ]
    ends = [line.index("verdict") for line in lines[start : start + 1]]
    assert all(line[ends[0] - 2 : ends[0]] == "  " for line in lines[start : start + 4])


def test_marks_say_degenerate_below_floor_and_not_defined() -> None:
    statuses = {"ok": 0.3, "degenerate": 0.25, "below floor": 1e-16, "not defined": NAN}
    rows = [row("deep.noise_fraction", v, i, status=s) for i, (s, v) in enumerate(statuses.items())]
    rows.append(row("deep.noise_fraction", NAN, 4, status="degenerate"))
    shown = [line.split()[3] for line in str(Report.of(rows)).splitlines() if line.startswith("fc")]
    assert shown == ["3.00e-01", "*2.50e-01", "<1.00e-16", "-", "*"]
    assert str(Report.of(rows)).endswith("< below the numerical floor, - not defined.")


def test_what_is_larger_than_any_number_is_a_word() -> None:
    inf = float("inf")
    rows = [*noise(0.5), row("deep.linear_mse", inf), row("nrc.3", -inf), network("model.mse", inf)]
    shown = str(Report.of(rows))
    assert "infinite" in next(line for line in shown.splitlines() if line.startswith("fc0")).split()
    assert "\nnetwork MSE infinite\n" in shown
    assert "nrc.3 -infinite" in shown
    assert " inf " not in shown


def test_layers_stand_in_depth_order() -> None:
    rows = noise(*[0.5] * 12)
    shown = [line.split()[0] for line in str(Report.of(reversed(rows))).splitlines() if line.startswith("fc")]
    assert shown == [f"fc{i}" for i in range(12)]


def test_columns_that_were_not_measured_are_left_out() -> None:
    report = Report.of([row("deep.cka", 0.5)])
    header = next(line for line in str(report).splitlines() if line.startswith("layer"))
    assert header.split() == ["layer", "kind", "d", "CKA", "chance"]
    assert "collapsed" not in str(report)


def test_low_noise_is_called_low_noise_with_its_layers() -> None:
    shown = str(Report.of(noise(0.9, 0.1, 0.0)))
    assert "\nlow noise from fc1 on (2 of 3 layers): noise <= 0.2\n" in shown
    assert "collapsed from" not in shown
    assert "low noise from" not in str(Report.of(noise(0.1, 0.3)))
    assert "\nlow noise from the input on (2 of 2 layers): noise <= 0.4\n" in text(Report.of(noise(0.1, 0.3)), 0.4)


def test_the_facts_of_the_network_stand_below() -> None:
    facts = [network("model.mse", 0.5), network("deep.target_stable_rank", 1.75)]
    ranks = [row("deep.feature_stable_rank", 3.0, 0), row("deep.feature_stable_rank", 2.0, 1)]
    top = [row(f"nrc.{i}", 0.1 * i, 1) for i in (1, 2, 3)]
    shown = str(Report.of([*facts, *reversed(ranks), *top]))
    assert "\nnetwork MSE 0.5; target stable rank 1.75; last features' stable rank 2.00\n" in shown
    assert "\nnrc at fc1: nrc.1 1.00e-01, nrc.2 2.00e-01, nrc.3 3.00e-01\n" in shown


def test_the_top_layer_s_values_bear_their_marks() -> None:
    top = [
        row("nrc.1", 1e-16, 7, status="below floor", layer="layer7"),
        row("nrc.2", 0.25, 7, status="degenerate", layer="layer7"),
        row("nrc.2", NAN, 7, status="degenerate", layer="layer7", variant="other"),
        row("nrc.3", NAN, 7, status="not defined", layer="layer7"),
    ]
    assert "\nnrc at layer7: nrc.1 <1.00e-16, nrc.2 *2.50e-01, nrc.2 (other) *\n" in str(Report.of(top))
    assert "nrc at" not in str(Report.of(top[-1:]))


def test_a_probe_of_ones_own_is_told_as_ours_are() -> None:
    told = {
        "own.width": Probe("own.width", float, "Width", told="last width", digits=".1f"),
        "own.top": Probe("own.top", float, "Top", where="top", told="tip", digits=".2e"),
        "own.share": Probe("own.share", float, "Share", where="network", told="share", digits=".1f"),
        "own.silent": Probe("own.silent", float, "Silent"),
    }
    records = [{"run": "a", "step": 0, "probes": [as_record(probe) for probe in told.values()]}]
    rows = [row("own.width", 3.0, 0), row("own.width", 4.0, 1), row("own.top", 0.5, 1), row("own.silent", 7.0, 1)]
    rows += [row("nrc.1", 0.25, 1), row("own.top", 0.125, 1, variant="b"), network("own.share", 0.5)]
    lines = verdict(Report.of(rows, records), "a")
    top = ["own at fc1: tip 5.00e-01, tip (b) 1.25e-01", "nrc at fc1: nrc.1 2.50e-01"]
    assert lines == ["share 0.5; last width 4.0", *top]


def test_a_classifier_s_last_line_is_its_collapse_and_accuracy() -> None:
    rows = [row(f"nc.{i}", 0.1 * i, depth, variant=v) for i in (3, 2, 1) for depth in (1, 0) for v in ("default", "b")]
    accuracy = network("model.accuracy", 0.96875)
    shown = str(Report.of([*rows, accuracy]))
    assert "\nnc at fc1: nc.1 1.00e-01, nc.2 2.00e-01, nc.3 3.00e-01; accuracy 0.9688\n" in shown
    assert "\naccuracy 0.9688\n" in str(Report.of([*noise(0.5), accuracy]))
    one = [row("nc.1", 1e-17, status="below floor"), row("nc.2", 0.5, status="degenerate"), *noise(0.5)]
    other = [dict(line, run="b") for line in [*rows[-1:], accuracy, *noise(0.5)]]
    parts = str(Report.of([*one, *other])).split("\n\n")
    assert parts[1].endswith("\nnc at fc0: nc.1 <1.00e-17")
    assert parts[2].endswith("\naccuracy 0.9688")


def test_regression_has_no_line_on_classes() -> None:
    missing: dict[str, Any] = {"status": "not defined", "note": "the targets are no classes"}
    rows = [row("nc.1", NAN, **missing), network("model.accuracy", NAN, **missing), *noise(0.5)]
    assert "nc at" not in str(Report.of(rows))
    assert "accuracy" not in str(Report.of(rows))


def test_the_table_shows_classes_where_nothing_else_was_measured() -> None:
    rows = [row("nc.1", 0.5), row("nc.2", 0.25), row("nc.3", 0.125)]
    for more, columns in ([], ["nc.1", "nc.2"]), ([row("deep.cka", 0.5)], ["CKA", "chance"]):
        header = next(line for line in str(Report.of([*rows, *more])).splitlines() if line.startswith("layer"))
        assert header.split() == ["layer", "kind", "d", *columns]


@pytest.mark.parametrize(
    ("layers", "start"),
    [
        ("weights", "the input"),
        (["weights"], "the input"),
        ("blocks", "fc0, the first one read,"),
        (["!stem"], "fc0, the first one read,"),
    ],
)
def test_low_noise_of_the_network_s_own_input_is_named_so(layers: Any, start: str) -> None:
    record = {"run": "a", "step": 0, "arguments": {"layers": layers}}
    shown = str(Report(Report.of(noise(0.1, 0.1)).table, (record,)))
    assert f"\nlow noise from {start} on (2 of 2 layers): noise <= 0.2\n" in shown


def test_only_the_last_of_several_steps_is_shown_and_since_when() -> None:
    steps = [noise(*([0.9] * (2 - n) + [0.1] * n), step=step) for step, n in ((0, 0), (5, 1), (9, 1))]
    shown = str(Report.of([row for rows in steps for row in rows]))
    assert "a, step 9, last of 3 steps: N = 64 samples" in shown
    assert "low noise from fc1 on (1 of 2 layers, since step 5): noise <= 0.2" in shown
    assert shown.count("fc0 ") == 1


def test_each_run_has_its_own_part_and_the_legend_stands_once() -> None:
    one, other = noise(0.1, 0.1), noise(0.9, 0.9, run="b", step=3)
    sentence, *parts = str(Report.of([*one, *other])).split("\n\n")
    assert sentence.startswith("In 'a' collapse cannot be told: ")
    assert [part.splitlines()[0].split(":")[0] for part in parts] == [
        "a, step 0",
        "b, step 3",
        "noise",
    ]
    assert "low noise from the input on" in parts[0]
    assert "not collapsed" in parts[1]


def test_a_run_without_the_noise_fraction_still_prints_beside_one_with_it() -> None:
    _, *parts = str(Report.of([*noise(0.1), row("deep.cka", 0.5, run="b")])).split("\n\n")
    assert "low noise" in parts[0]
    assert "noise" not in parts[1]
    assert "0.500" in parts[1]


def test_layers_left_out_are_named_with_the_reason() -> None:
    left_out = [[f"conv{i}", "shortcut around a block"] for i in range(6)]
    report = Report(Report.of(noise(0.5)).table, ({"run": "a", "step": 0, "left_out": left_out},))
    assert str(report).splitlines()[2] == "! left out: conv0, conv1, conv2, conv3 and 2 more (shortcut around a block)"


def test_samples_are_those_of_the_data_where_positions_are_kept() -> None:
    rows = [*noise(0.5, 0.5)]
    rows[0]["n_samples"] = 6400
    assert "N = 64 samples" in str(Report.of(rows))


def test_warnings_are_grouped_by_note_in_depth_order() -> None:
    dead = {"status": "degenerate", "note": "dead"}
    rows = [row("deep.cka", NAN, i, **dead) for i in (5, 4, 3, 2, 1)] + [row("deep.noise", NAN, 1, **dead)]
    rows.append(row("deep.cka", 1.0, 0, status="degenerate", note="k = d"))
    assert warnings(Report.of(rows).table) == [
        "fc1, fc2, fc3, fc4 and 1 more: dead (2 measures)",
        "fc0: k = d (1 measure)",
    ]


def test_targets_that_do_not_vary_have_no_rank_to_print() -> None:
    assert "k = ?" in str(Report.of(noise(0.5, rank=None)))


def test_samples_are_those_of_the_record_where_it_tells() -> None:
    rows = noise(0.5, 0.1, n_samples=640)
    assert "N = 640 samples" in text(Report.of(rows))
    assert "N = 64 samples" in text(Report.of(rows, [{"run": "a", "step": 0, "samples": 64}]))
    assert "N = 640 samples" in text(Report.of(rows, [{"run": "a", "step": 0}]))


def test_the_table_is_filtered_as_often_however_many_layers_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    filtered: list[int] = []
    get = pd.DataFrame.__getitem__

    def counted(frame: pd.DataFrame, key: Any) -> Any:
        filtered[-1] += 1
        return get(frame, key)

    monkeypatch.setattr(pd.DataFrame, "__getitem__", counted)
    for layers in (5, 50):
        filtered.append(0)
        str(Report.of(noise(*[0.1] * layers)))
    assert filtered[0] == filtered[1]


def test_a_value_that_chance_reaches_is_marked() -> None:
    values = [row("deep.feature_weight_alignment", 0.5, 0), row("deep.feature_weight_alignment", 0.51, 1)]
    shown = [line.split()[3] for line in str(Report.of(values)).splitlines() if line.startswith("fc")]
    assert shown == ["~0.500", "0.510"]


def test_of_many_layers_each_stage_shows_three_unless_all_are_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    names = ["stem", *(f"layer1.{i}.conv" for i in range(12)), *(f"layer2.{i}.conv" for i in range(20)), "fc"]
    report = Report.of([row("deep.noise_fraction", 0.5, depth, layer=name) for depth, name in enumerate(names)])
    shown = str(report).splitlines()
    kept = [line.split()[0] for line in shown if line.split() and line.split()[0] in names]
    middle = ["layer1.0.conv", "layer1.6.conv", "layer1.11.conv", "layer2.0.conv", "layer2.10.conv", "layer2.19.conv"]
    assert kept == ["stem", *middle, "fc"]
    assert "(26 more of 34 layers: summary(all=True), or --all, has a row for each)" in shown
    report.summary(all=True)
    whole = [line.split()[0] for line in capsys.readouterr().out.splitlines() if line.split()]
    assert [name for name in whole if name in names] == names


def test_what_keeps_the_prediction_from_being_read_is_told_and_names_the_argument() -> None:
    why = "several outputs: output= names the one that predicts"
    rows = [network(name, NAN, status="not defined", note=why) for name in ("model.mse", "model.direction_r2_1")]
    assert warnings(pd.DataFrame(rows)) == [f"what the network predicts: {why} (2 measures not defined)"]
    assert warnings(pd.DataFrame(rows[:1])) == []


def test_rows_that_were_given_without_notes_have_nothing_to_tell() -> None:
    rows = [{name: kept for name, kept in network("model.mse", 1.0, status="degenerate").items() if name != "note"}]
    table = Report.of(rows).table
    assert table["note"].tolist() == [""]
    assert warnings(table) == []
    assert warnings(table.assign(note=NAN)) == []
