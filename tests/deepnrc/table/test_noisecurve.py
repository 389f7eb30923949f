import pytest
import torch
from torch import nn

import deepnrc
from deepnrc import UsageError
from deepnrc.report import Report
from probes.signal import noise_curve


@pytest.fixture
def probed():
    torch.manual_seed(0)
    X, Y = torch.randn(300, 90), torch.randn(300, 3)
    net = nn.Sequential(nn.Linear(90, 80), nn.ReLU(), nn.Linear(80, 5), nn.Linear(5, 3))
    return net, deepnrc.probe(net, (X, Y), progress=False), X


def test_curves_are_the_noise_fraction_at_every_k(probed):
    net, report, X = probed
    curves = report.noise_curves()
    widths = {layer: part["k"].tolist() for layer, part in curves.groupby("layer", sort=False)}
    assert widths == {"0": [1, 2, 3, 4, 5, 6], "2": [1, 2, 3, 4, 5, 6], "3": [1, 2, 3, 4]}
    for layer, H in (("0", X), ("2", net[:2](X)), ("3", net[:3](X))):
        values = torch.linalg.eigvalsh(torch.cov(H.detach().double().T)).flip(0)
        wanted = noise_curve(values, len(widths[layer])).tolist()
        assert curves.loc[curves["layer"] == layer, "noise_fraction"].tolist() == pytest.approx(wanted, rel=1e-9)
    noise = report.values("deep.noise_fraction").set_index("layer")["value"]
    at_k = curves[curves["k"] == curves["rank"]].set_index("layer")["noise_fraction"]
    assert at_k.to_dict() == pytest.approx(noise.to_dict())


def test_curves_end_where_eigenvalues_are_no_longer_stored_one_by_one(probed):
    _, report, _ = probed
    wide = Report(report.table.assign(target_dim=50), report.provenance, report.spectra)
    ends = wide.noise_curves().groupby("layer", sort=False)["k"].max()
    assert ends.to_dict() == {"0": 64, "2": 64, "3": 4}


def test_a_report_without_spectra_has_none(probed):
    _, report, _ = probed
    with pytest.raises(UsageError, match="saved without spectra"):
        Report(report.table, report.provenance).noise_curves()
