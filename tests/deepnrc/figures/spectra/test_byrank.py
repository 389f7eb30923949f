import pytest
import torch
from torch import nn

import deepnrc
from deepnrc import UsageError, figures
from deepnrc.figures.spectra.tails import ROUNDING
from deepnrc.report import Report


@pytest.fixture(scope="module")
def report():
    torch.manual_seed(0)
    X = torch.randn(200, 12)
    net = nn.Sequential(nn.Linear(12, 10), nn.Linear(10, 8), nn.Linear(8, 2))
    with torch.no_grad():
        net[1].weight[3:] = net[1].weight[:1]  # three directions reach the last layer
        net[1].bias.zero_()
    return deepnrc.probe(net, (X, X[:, :2]), progress=False)


def test_a_line_a_layer_over_k_with_k_marked(report, tmp_path):
    ax = report.noise_by_rank(path=tmp_path / "noise.png")
    curves = report.noise_curves()
    lines = [line for line in ax.lines if line.get_linestyle() == "-"]
    assert len(lines) == 3
    for line, (_, rows) in zip(lines, curves.groupby("depth"), strict=True):
        drawn = rows[(rows["noise_fraction"] > rows["floor"])]
        assert line.get_ydata()[: len(drawn)].tolist() == pytest.approx(drawn["noise_fraction"].tolist())
    assert [text.get_text() for text in ax.texts] == ["k = 2"]
    assert (tmp_path / "noise.png").read_bytes().startswith(b"\x89PNG")
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("signal rank k", "noise fraction")


def test_what_is_rounding_ends_the_line_with_an_open_marker(report):
    ax = report.noise_by_rank()
    hollow = [line for line in ax.lines if line.get_markerfacecolor() == "white"]
    assert [line.get_xdata().tolist() for line in hollow] == [[3.0]]
    assert ROUNDING in {text.get_text() for legend in ax.figure.legends for text in legend.get_texts()}


def test_runs_stand_side_by_side_and_on_one_axes_only_one(report):
    two = report + report.renamed("b")
    assert {a.get_title() for a in two.noise_by_rank().figure.axes} >= {report.runs[0], "b"}
    with pytest.raises(UsageError, match="One Axes holds one panel"):
        two.noise_by_rank(ax=report.noise_by_rank())
    with pytest.raises(UsageError, match="saved without spectra"):
        figures.noise_by_rank(Report(report.table, report.provenance))
