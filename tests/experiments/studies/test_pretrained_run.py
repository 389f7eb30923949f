import json

import matplotlib
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

import deepnrc
from experiments.networks.packaged import ONet, Pair
from experiments.studies.pretrained import PretrainedOnet, last

matplotlib.use("Agg")


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


def test_a_run_leaves_a_page_a_report_and_a_line_in_the_index(pair, tmp_path, capsys):
    PretrainedOnet(out=tmp_path, progress=False).run()
    folder = tmp_path / "pretrained-onet"
    report = deepnrc.load(folder / "report")
    assert report.runs == ["pretrained", "untrained"]
    summary = json.loads((folder / "summary.json").read_text())
    assert set(summary) == {"name", "about", "verdicts", "warnings", "tables", "pictures", "seconds", "cells", "plan"}
    assert summary["verdicts"][1]["verdict"] == "not measurable"  # fewer crops than the widest layer has features
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
