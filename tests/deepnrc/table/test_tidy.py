"""The table as data: filtered by any column, of the same class whatever is done with it."""

import pandas as pd
import pytest

from deepnrc import Report, Table, UsageError
from deepnrc.table import NETWORK, SPECTRA, join


def row(**given):
    fixed = {"kind": "Linear", "status": "ok", "n_samples": 9, "dim": 4, "target_dim": 2, "rank": 2, "pool": "none"}
    return {**fixed, "variant": "default", "value": 0.5, **given}


LAYERED = (("m.x", "default"), ("m.x", "v"), ("m.y", "default"))


def table(cls=Table):
    places = [(run, step, depth) for run in "ab" for step in (0, 5) for depth in (0, 1, -1)]
    rows = [
        row(run=run, step=step, depth=depth, layer=str(depth) if depth >= 0 else NETWORK, measure=name, variant=variant)
        for run, step, depth in places
        for name, variant in (LAYERED if depth >= 0 else [("m.z", "default")])
    ]  # fmt: skip
    spectra = pd.DataFrame([
        {**dict.fromkeys(SPECTRA, 1), "run": run, "step": step, "depth": depth, "layer": str(depth), "spectrum": "of"}
        for run, step, depth in places if depth >= 0
    ]).astype(SPECTRA)  # fmt: skip
    return cls.of(rows, [{"run": run, "step": step} for run in "ab" for step in (0, 5)], spectra)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"run": "a"}, lambda t: t["run"] == "a"),
        ({"step": 5}, lambda t: t["step"] == 5),
        ({"layer": ["0", NETWORK]}, lambda t: t["layer"].isin(["0", NETWORK])),
        ({"measure": ("m.x", "m.z")}, lambda t: t["measure"].isin(["m.x", "m.z"])),
        ({"measure": "m.x", "variant": "v"}, lambda t: t["variant"] == "v"),
        ({"run": iter(["b"]), "step": {0}}, lambda t: (t["run"] == "b") & (t["step"] == 0)),
        ({}, lambda t: t["step"] >= 0),
    ],
)  # fmt: skip
def test_where_keeps_the_rows_of_all_that_is_named(given, kept):
    whole = table()
    found = whole.where(**given)
    pd.testing.assert_frame_equal(found.table, whole.table[kept(whole.table)].reset_index(drop=True))
    measured = set(zip(found.table["run"], found.table["step"], strict=True))
    assert {(r["run"], r["step"]) for r in found.provenance} == measured
    assert set(zip(found.spectra["run"], found.spectra["step"], strict=True)) <= measured
    if "layer" in given:
        assert set(found.spectra["layer"]) <= set(found.table["layer"])


def test_filters_one_after_the_other_and_at_once_are_the_same():
    whole = table()
    once = whole.where(run="a", layer="1", measure="m.y")
    pd.testing.assert_frame_equal(once.table, whole.where(measure="m.y").where(layer="1").where(run="a").table)
    pd.testing.assert_frame_equal(join([whole.where(run=run) for run in "ab"]).table, whole.table)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"run": "c"}, r"There is no run 'c'\. Runs: 'a', 'b'\."),
        ({"layer": ["0", "layer"]}, r"There is no layer 'layer'\. Layers: '0', '1', '\(network\)'\."),
        ({"measure": "m.xx"}, r"There is no measure 'm\.xx'\. Did you mean 'm\.x'.*\? Measures: 'm\.x', "),
        ({"variant": "w"}, r"There is no variant 'w'\."),
        ({"step": [0, 7]}, r"Step 7 was not measured\. Steps: '0', '5'\."),
        ({"layer": NETWORK, "measure": "m.x"}, r"is of all of these at once: layer '\(network\)'; measure"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_refused(given, said):
    with pytest.raises(UsageError, match=said):
        table().where(**given)


@pytest.mark.parametrize("odd", [(1, 2), [], None, 3, object()])
def test_a_measure_or_variant_of_another_kind_is_not_there(odd):
    for ask in (lambda: table().values(odd), lambda: table().monotonicity(odd)):
        with pytest.raises(UsageError, match="The report has no measure"):
            ask()
    with pytest.raises(UsageError, match=r"m\.x has no variant"):
        table().values("m.x", odd)


@pytest.mark.parametrize("cls", [Table, Report])
def test_whatever_is_done_with_a_table_gives_one_of_its_class(cls, tmp_path):
    whole = table(cls)
    a, b = whole.where(run="a"), whole.at(run="b")
    made = [a, b, whole.at(5), a + b, a.renamed("c"), join([a, b]), whole.means({"a": "x"}), cls.load(a.save(tmp_path))]
    assert {type(one) for one in made} == {cls}
    assert repr(whole) == f"<{cls.__name__}: 2 runs, 2 steps, 2 layers, {len(whole.table)} values>"


def test_a_table_neither_draws_nor_prints():
    assert not {"heatmap", "lines", "overview", "spectrum", "html", "summary"} & set(dir(Table))
