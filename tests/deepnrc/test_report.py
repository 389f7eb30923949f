from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import deepnrc
from deepnrc import Report, UsageError
from deepnrc.table import join

COLUMNS = ["run", "step", "depth", "layer", "kind", "measure", "variant", "value", "status", "note"]
COLUMNS += ["n_samples", "dim", "target_dim", "rank", "pool", "chance", "floor", "chance_high"]
COLUMNS += ["corrected", "low", "high", "reference"]
KEY = ["run", "step", "depth", "layer", "measure", "variant"]


def row(**changes: Any) -> dict[str, Any]:
    plain = dict.fromkeys(COLUMNS, "") | dict.fromkeys(COLUMNS[15:], 0.5) | {"value": 0.5}
    plain |= dict.fromkeys(["step", "depth", "n_samples", "dim", "target_dim", "rank"], 1)
    return plain | {"run": "a", "layer": "fc", "measure": "deep.cka", "variant": "default", "status": "ok"} | changes


def report(*rows: dict[str, Any]) -> Report:
    pairs = dict.fromkeys((r["run"], r["step"]) for r in rows)
    return Report.of(rows, [{"run": run, "step": step} for run, step in pairs])


@pytest.fixture(scope="module")
def measured() -> Report:
    """Twelve layers, so that names and depths sort differently."""
    torch.manual_seed(0)
    net = nn.Sequential(*[nn.Linear(6, 6) for _ in range(11)], nn.Linear(6, 2))
    data = (torch.randn(64, 6), torch.randn(64, 2))
    once, later = (deepnrc.probe(net, data, run="deep", step=step, progress=False) for step in (0, 10))
    return once + later


def test_the_table_has_the_promised_columns_and_types(measured: Report) -> None:
    assert list(measured.table) == COLUMNS
    kinds = {name: str(kind) for name, kind in measured.table.dtypes.items()}
    assert {kinds[name] for name in ("step", "depth", "n_samples", "dim", "target_dim")} == {"int64"}
    assert {kinds[name] for name in ("value", "chance", "floor", "chance_high")} == {"float64"}
    assert kinds["rank"] == "Int64"
    assert {kinds[name] for name in ("run", "layer", "kind", "measure", "variant", "status", "note", "pool")} <= {
        "str",
        "object",
    }


def test_every_row_is_one_value_of_a_known_status(measured: Report) -> None:
    assert not measured.table.duplicated(KEY).any()
    assert set(measured.table["status"]) <= {"ok", "degenerate", "not defined", "below floor"}
    missing = measured.table["value"].isna()
    assert set(measured.table.loc[missing, "status"]) <= {"degenerate", "not defined"}
    assert (measured.table.loc[missing, "note"] != "").all()


def test_an_empty_report_keeps_its_columns_and_says_that_it_is_empty() -> None:
    empty = Report.of([])
    assert list(empty.table) == COLUMNS
    assert str(empty.table["rank"].dtype) == "Int64"
    with pytest.raises(UsageError, match="The report is empty: it holds no values"):
        empty.at()


def test_wide_has_a_row_a_layer_and_keeps_depth_order_although_names_sort_as_text(measured: Report) -> None:
    wide = measured.wide()
    assert wide.index.names == ["run", "step", "depth", "layer"]
    names = [str(i) for i in range(12)]
    assert wide.index.get_level_values("layer").tolist() == names * 2
    assert wide.index.get_level_values("depth").tolist() == list(range(12)) * 2
    assert {"deep.cka", "deep.cka (signal)", "deep.feature_stable_rank (covariance)", "nrc.1"} <= set(wide.columns)
    assert wide.columns[0] == measured.measures[0]
    value = measured.values("deep.cka", "signal").query("step == 10 and layer == '11'")["value"].item()
    assert wide.loc[("deep", 10, 11, "11"), "deep.cka (signal)"] == value
    assert wide["nrc.1"].notna().groupby("step").sum().tolist() == [1, 1]


def test_runs_keep_the_order_in_which_they_were_added() -> None:
    both = report(row(run="z", step=5)) + report(row(run="b", step=3), row(run="b", step=1))
    assert both.runs == ["z", "b"]
    assert both.steps == [1, 3, 5]
    assert both.wide().index.get_level_values("run").tolist() == ["z", "b", "b"]
    assert both.values("deep.cka")[["run", "step"]].to_numpy().tolist() == [["z", 5], ["b", 1], ["b", 3]]


def test_the_network_s_own_values_are_no_layer() -> None:
    one = report(row(), row(layer="(network)", depth=-1, measure="model.mse"))
    assert list(one.wide()) == ["deep.cka"]
    assert len(one.wide()) == 1
    assert "1 layers, 2 values" in repr(one)


def test_at_takes_a_step_or_each_run_s_last_with_its_provenance() -> None:
    both = report(row(step=1), row(step=9), row(run="b", step=4))
    last = both.at()
    assert dict(zip(last.table["run"], last.table["step"], strict=True)) == {"a": 9, "b": 4}
    assert [(p["run"], p["step"]) for p in last.provenance] == [("a", 9), ("b", 4)]
    assert both.at(1).runs == ["a"]
    assert both.at(run="b").steps == [4]
    assert both.at(9, run="a").table.index.tolist() == [0]


def test_at_refuses_what_was_not_measured_with_what_was() -> None:
    both = report(row(step=1), row(run="base", step=4))
    with pytest.raises(UsageError, match=r"Step 2 was not measured\. Steps: '1', '4'\."):
        both.at(2)
    with pytest.raises(UsageError, match=r"Step 1 was not measured\. Steps: '4'\."):
        both.at(1, run="base")
    with pytest.raises(UsageError, match=r"There is no run 'bas'\. Did you mean 'base'\? Runs: 'a', 'base'\."):
        both.at(run="bas")


def test_renamed_relabels_one_run_and_its_provenance() -> None:
    again = report(row()).renamed("new")
    assert again.runs == ["new"]
    assert again.provenance == ({"run": "new", "step": 1},)
    with pytest.raises(UsageError, match=r"Only a report of one run can be renamed; this one has 'a', 'b'\."):
        report(row(), row(run="b")).renamed("new")


@pytest.mark.parametrize("change", [{}, {"layer": "other"}, {"measure": "nrc.1"}])
def test_the_same_run_and_step_twice_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"Run 'a', step 1, is in more than one report\. .* renamed\('LABEL'\)"):
        join([report(row()), report(row(step=2)), report(row(**change))])


def test_joined_is_all_rows_and_all_provenance(measured: Report) -> None:
    other = measured.at(10).renamed("other")
    both = measured + other
    assert len(both.table) == len(measured.table) + len(other.table)
    assert [(record["run"], record["step"]) for record in both.provenance] == [("deep", 0), ("deep", 10), ("other", 10)]
    assert both.table.dtypes.equals(measured.table.dtypes)
    assert both.table.index.is_unique


def test_spectra_go_where_their_run_and_step_go(measured: Report) -> None:
    assert set(measured.spectra["step"]) == {0, 10}
    last = measured.at()
    assert set(last.spectra["step"]) == {10}
    assert len(last.spectra) == len(measured.spectra) / 2
    other = last.renamed("other")
    assert set(other.spectra["run"]) == {"other"}
    pd.testing.assert_frame_equal(other.spectra.drop(columns="run"), last.spectra.drop(columns="run"))
    both = measured + other
    assert len(both.spectra) == len(measured.spectra) + len(other.spectra)
    assert both.spectra.index.is_unique
    assert both.spectra.dtypes.equals(measured.spectra.dtypes)
    for run, whole in (("deep", measured), ("other", other)):
        pd.testing.assert_frame_equal(both.where(run=run).spectra, whole.spectra)
        pd.testing.assert_frame_equal(both.at(10, run=run).spectra, whole.at(10).spectra)


def test_a_report_without_spectra_keeps_an_empty_frame_of_them(measured: Report) -> None:
    one = report(row())
    for bare in (one, one.at(), one.renamed("new"), Report(one.table)):
        assert bare.spectra.empty
        assert bare.spectra.dtypes.equals(measured.spectra.dtypes)
    for both in (one + measured, measured + one, one.renamed("new") + measured):
        pd.testing.assert_frame_equal(both.spectra, measured.spectra)


def test_values_are_those_of_one_measure_and_variant(measured: Report) -> None:
    values = measured.values("deep.cka")
    assert set(values["measure"]) == {"deep.cka"}
    assert set(values["variant"]) == {"default"}
    assert values["depth"].tolist() == list(range(12)) * 2


def test_values_refuse_unknown_names_with_the_nearest(measured: Report) -> None:
    with pytest.raises(UsageError, match=r"has no measure 'deep\.noise_fracton'\. Did you mean 'deep\.noise_fraction'"):
        measured.values("deep.noise_fracton")
    with pytest.raises(UsageError, match=r"deep\.cka has no variant 'centred' here\. Variants: 'default', 'signal'\."):
        measured.values("deep.cka", "centred")


def test_onset_and_summary_are_those_of_the_table(measured: Report, capsys: pytest.CaptureFixture[str]) -> None:
    assert measured.onset(0.9)["tau"].eq(0.9).all()
    measured.summary()
    assert capsys.readouterr().out == f"{measured}\n"
    assert repr(measured).startswith("<Report: 1 runs, 2 steps, 12 layers, ")


def test_numbers_are_those_of_the_layers() -> None:
    net = nn.Sequential(nn.Linear(5, 3), nn.Linear(3, 2))
    table = deepnrc.probe(net, (torch.randn(40, 5), torch.randn(40, 2)), run="x", step=7, progress=False).table
    layers = table[table["layer"] != "(network)"]
    assert layers.drop_duplicates("layer")[["depth", "layer", "kind", "dim"]].to_numpy().tolist() == [
        [0, "0", "Linear", 5],
        [1, "1", "Linear", 3],
    ]
    assert set(table["n_samples"]) == {40}
    assert set(table["target_dim"]) == set(table["rank"]) == {2}
    assert set(table["run"]) == {"x"}
    assert set(table["step"]) == {7}
    assert set(table["pool"]) == {"none"}
    assert set(table.loc[table["layer"] == "(network)", "depth"]) == {-1}


def test_chance_and_floor_stand_only_where_they_exist(measured: Report) -> None:
    assert (measured.values("deep.feature_weight_alignment")["chance"] > 0).all()
    assert (measured.values("deep.noise_fraction")["floor"] > 0).all()
    assert (measured.values("deep.cka")["chance_high"] > measured.values("deep.cka")["chance"]).all()
    assert measured.values("deep.spectral_gap")[["chance", "floor", "chance_high"]].isna().all(axis=None)


def test_rank_is_missing_where_the_targets_do_not_vary() -> None:
    report = deepnrc.probe(nn.Sequential(nn.Linear(4, 1)), (torch.randn(32, 4), torch.ones(32, 1)), progress=False)
    assert report.table["rank"].isna().all()
    assert pd.isna(report.values("deep.noise_fraction")["value"].item())
    assert report.values("deep.noise_fraction")["note"].item() == "the targets do not vary over the samples"
    assert np.isfinite(report.values("deep.feature_stable_rank")["value"].item())


def test_labels_are_words_wherever_they_come_from(tmp_path: Any) -> None:
    data = (torch.randn(32, 4), torch.randn(32, 2))
    net = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2))
    found = deepnrc.probe(net, data, run=5, progress=False)  # type: ignore[arg-type]
    renamed = found.renamed(3)  # type: ignore[arg-type]
    of = Report.of([row(run=7)], [{"run": 7, "step": 1}])
    for one, label in ((found, "5"), (renamed, "3"), (of, "7")):
        assert one.runs == [label]
        assert [record["run"] for record in one.provenance] == [label]
        assert one.at(run=label).provenance == one.provenance
        assert one.at(run=int(label)).provenance == one.provenance  # type: ignore[arg-type]
    assert set(renamed.spectra["run"]) == {"3"}
    old = Report(found.table, tuple({**record, "run": 5} for record in found.provenance), found.spectra)
    again = deepnrc.load(old.save(tmp_path / "old"))
    assert [record["run"] for record in again.provenance] == ["5"]


def test_what_was_left_out_is_said_under_a_number_as_label() -> None:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.f, self.g, self.shortcut = nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.g(self.f(x).relu()) + self.shortcut(x)  # type: ignore[no-any-return]

    net = nn.Sequential(nn.Linear(4, 3), Block(), nn.Linear(3, 2))
    found = deepnrc.probe(net, (torch.randn(32, 4), torch.randn(32, 2)), run=5, progress=False)  # type: ignore[arg-type]
    assert "! left out: 1.shortcut" in str(found)
