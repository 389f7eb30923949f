"""Means over the runs of a group, and their spread."""

import math

import numpy as np
import pandas as pd
import pytest

from deepnrc import Report, Table, UsageError
from deepnrc.table import COLUMNS, labelled_by, no_spectra, spread

GROUPS = {"a-0": "a", "a-1": "a", "b-0": "b"}


def row(run, value, depth=0, *, status="ok", note="", step=0, measure="deep.cka"):
    fixed = {"n_samples": 9, "dim": 4, "target_dim": 2, "rank": 2, "pool": "none", "variant": "default"}
    given = {"run": run, "step": step, "depth": depth, "layer": str(depth), "kind": "Linear", "measure": measure}
    return {**fixed, **given, "value": value, "status": status, "note": note, "chance": value / 2, "floor": None}


def table(*rows):
    runs = dict.fromkeys((r["run"], r["step"]) for r in rows)
    return Report.of(rows, [{"run": run, "step": step, "probes": [run]} for run, step in runs])


SEEDS = table(row("a-0", 1.0), row("a-1", 3.0), row("b-0", 7.0), row("a-0", 0.0, 1), row("a-1", 0.5, 1))


def test_a_group_is_a_run_whose_values_are_the_means():
    means = SEEDS.means(GROUPS)
    assert isinstance(means, Report)
    assert means.runs == ["a", "b"]
    assert means.values("deep.cka")["value"].tolist() == [2.0, 0.25, 7.0]
    assert means.values("deep.cka")["chance"].tolist() == [1.0, 0.125, 3.5]
    assert means.table.dtypes.to_dict() == {name: pd.Series(dtype=kind).dtype for name, kind in COLUMNS.items()}
    pd.testing.assert_frame_equal(means.spectra, no_spectra())
    assert [(r["run"], r["probes"], r["mean_of"]) for r in means.provenance] == [
        ("a", ["a-0"], ["a-0", "a-1"]),
        ("b", ["b-0"], ["b-0"]),
    ]


def test_the_quantile_of_chance_and_the_reference_are_means_too():
    given = [(1.0, 0.2, 4.0), (3.0, 0.6, 2.0)]
    rows = [row(f"a-{i}", v) | {"chance_high": high, "reference": r} for i, (v, high, r) in enumerate(given)]
    means = table(*rows).means({"a-0": "a", "a-1": "a"}).table
    assert means[["value", "chance_high", "reference"]].to_numpy().tolist() == [[2.0, pytest.approx(0.4), 3.0]]


def test_groups_of_one_run_are_the_runs_themselves():
    alone = SEEDS.means({run: run for run in SEEDS.runs})
    pd.testing.assert_frame_equal(alone.wide(), SEEDS.wide())


def test_runs_of_no_group_are_left_out_and_the_order_is_that_of_the_groups():
    assert SEEDS.means({"b-0": "late", "a-1": "early"}).runs == ["late", "early"]
    assert SEEDS.means({"a-1": 0.5}).runs == ["0.5"]


@pytest.mark.parametrize(("band", "low", "high"), [("range", 1.0, 6.0), ("sd", 3 - math.sqrt(7), 3 + math.sqrt(7))])
def test_the_band_is_the_range_or_the_standard_deviation_on_either_side(band, low, high):
    rows = labelled_by(table(row("x", 1.0), row("y", 2.0), row("z", 6.0)).table, dict.fromkeys("xyz", "all"))
    (one,) = spread(rows, ["run", "depth"], band).to_dict("records")
    assert (one["value"], one["low"], one["high"]) == pytest.approx((3.0, low, high))
    alone = spread(rows[:1], ["run"], band)
    assert alone[["low", "high"]].to_numpy().tolist() == [[1.0, 1.0]]


@pytest.mark.parametrize("status", ["degenerate", "not defined"])
def test_what_says_nothing_counts_in_no_mean(status):
    mixed = table(
        row("a-0", 100.0, status=status, note="why"), row("a-1", 3.0), row("b-0", 5.0, status=status, note="w")
    )
    means = mixed.means(GROUPS).table
    assert means["value"].iloc[0] == 3.0
    assert means["status"].tolist() == ["ok", status]
    assert np.isnan(means["value"].iloc[1])
    assert means["note"].tolist() == ["", "w"]


def test_unknown_runs_none_and_other_bands_are_refused():
    with pytest.raises(UsageError, match=r"groups names the run 'a-2', which is not there\. Did you mean 'a-[01]'"):
        SEEDS.means({"a-2": "a"})
    with pytest.raises(UsageError, match=r"groups=\{\} leaves nothing to draw\. Give each run its group; runs: 'a-0'"):
        SEEDS.means({})
    for wrong in ([], "a", 3, None):
        with pytest.raises(UsageError, match=r"groups gives the label of its group for each run, as a mapping; it is"):
            SEEDS.means(wrong)
    with pytest.raises(UsageError, match="band must be one of 'range', 'sd'; it is 'iqr'"):
        spread(SEEDS.table, ["run"], "iqr")


@pytest.mark.parametrize("label", [[], ["a"], 7, None, {1, 2}])
def test_a_label_of_any_kind_is_its_words(label):
    assert SEEDS.means({"a-0": label, "a-1": label}).runs == [str(label)]


def test_a_table_of_data_alone_gives_one():
    plain = Table(SEEDS.table)
    assert type(plain.means(GROUPS)) is Table
