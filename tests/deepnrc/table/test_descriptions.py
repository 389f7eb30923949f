"""What drawing knows of a measure stands in the catalog, and in the record of a probe of one's own."""

import ast
import dataclasses
import json
import re
from pathlib import Path

import pytest

import deepnrc
from deepnrc.table.descriptions import as_record, described, main_ones, own
from probes import CATALOG, HEATMAP, OVERVIEW, SUMMARY, Probe

NAME = re.compile(r"\b(deep|nrc|nc|model|rank|features|dimension)\.[a-z0-9_]+")
ROOMS = Path(deepnrc.__file__).parent


def named(source):
    """Measures that a source file names in its strings."""
    strings = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)]
    return [node.value for node in strings if isinstance(node.value, str) and NAME.search(node.value)]


@pytest.mark.parametrize(
    "path",
    [*ROOMS.glob("figures/**/*.py"), *ROOMS.glob("page/**/*.py"), ROOMS / "summary.py"],
    ids=lambda p: str(p.relative_to(ROOMS)),
)
def test_what_is_shown_names_no_measure(path):
    assert named(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("source", ['x = "deep.cka"', 'f"{a} of nrc.3"', '{"model.mse": 1}', "x == 'nc.1'"])
def test_a_measure_that_is_named_is_seen(source):
    assert named(source)


@pytest.mark.parametrize("probe", CATALOG, ids=lambda p: p.label)
def test_a_record_holds_all_that_is_drawn_and_said(probe):
    back = own(json.loads(json.dumps(as_record(probe), allow_nan=False)))
    measured = {"measure", "chance", "floor", "default", "classes", "direction", "statistics", "counts", "held_out"}
    measured |= {"unbiased"}
    for field in dataclasses.fields(probe):
        if field.name not in measured:
            assert getattr(back, field.name) == getattr(probe, field.name), field.name
    assert (back.chance is None, back.floor is None) == (probe.chance is None, probe.floor is None)


def test_main_measures_come_in_their_order_whatever_the_tables():
    rows = deepnrc.Table.of([
        {"run": "a", "step": 0, "depth": depth, "measure": name, "variant": variant, "layer": "x",
         **dict.fromkeys(("n_samples", "dim", "target_dim"), 1)}
        for name, variant, depth in (
            ("deep.linear_mse", "default", 0), ("deep.linear_r2", "default", 0), ("mine.own", "default", 0),
            ("deep.feature_stable_rank", "default", 0), ("deep.cka", "signal", 0), ("deep.noise", "default", 0),
            ("deep.noise_fraction", "default", -1),
        )
    ]).table  # fmt: skip
    mine = [{"probes": [as_record(Probe("mine.own", lambda: 0.0, "Mine", main=True, shown=(OVERVIEW,)))]}]
    names = {shown: [p.name for p in main_ones(rows, mine, shown)] for shown in (OVERVIEW, HEATMAP, SUMMARY)}
    ours = ["deep.feature_stable_rank", "deep.linear_mse"]
    assert names[OVERVIEW] == [*ours, "mine.own"]
    assert names[HEATMAP] == names[SUMMARY] == ["deep.feature_stable_rank", "deep.linear_r2", "deep.linear_mse"]


def test_what_nobody_knows_has_its_name_for_a_title():
    probe = described("mine.other", "x")
    assert (probe.title, probe.variant, probe.better, probe.reference) == ("mine.other", "x", "", None)
