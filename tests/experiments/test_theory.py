"""Trained last layers beside the unconstrained-feature model: found, fitted, told, or left out."""

import pytest
import torch
from torch import nn

from deepnrc.errors import UsageError
from experiments import pages, theory
from probes.ufm import RegressionMinimum


class AtTheMinimum(nn.Module):
    """A network whose last features, weight and bias are the model's minimiser for given targets."""

    def __init__(self, y):
        super().__init__()
        centred = y - y.mean(0)
        factors = RegressionMinimum(centred.T @ centred / len(y), 0.02, 0.05).at(y, 6)
        self.head = nn.Linear(6, y.shape[1]).double()
        self.head.weight.data, self.head.bias.data = factors.W, factors.b
        self.H = factors.H.mT if factors.H.shape[0] == 6 else factors.H

    def forward(self, rows):
        return self.head(self.H[rows.long()])


def test_a_network_at_the_minimum_gives_its_penalties_back():
    y = torch.randn(50, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * torch.tensor([1, 2, 3])
    found = theory.of_network(AtTheMinimum(y), torch.arange(50), y, 0.03)
    assert (found.minimum.lambda_h, found.minimum.lambda_w) == (pytest.approx(0.02), pytest.approx(0.05))
    assert found.gram_error < 1e-9
    assert found.mse == pytest.approx(found.minimum.mse)
    assert found.decayed == pytest.approx(3 * 0.03 / 2)


def test_a_network_without_linear_layers_is_refused():
    with pytest.raises(UsageError, match="no Linear"):
        theory.of_network(nn.ReLU(), torch.ones(3, 2), torch.ones(3, 2), 0.1)


def test_trained_settings_with_weight_decay_are_fitted(swept, setting, study, tmp_path):
    settings = (setting("none"), setting("some", 1e-2, epochs=30), setting("untrained", 1e-2, epochs=0))
    results = swept(study(*settings, theory=True))
    found = theory.fits(results)
    assert list(found) == ["some"]
    told = theory.table(found)
    assert told["columns"][:3] == ["setting", "lambda_h", "lambda_w"]
    assert told["rows"][0][0] == "some"
    pages.write(results, tmp_path, progress=False)
    page = (tmp_path / "index.html").read_text()
    assert "unconstrained-feature model" in page
    assert "error of WW&#39;" in page
    assert (tmp_path / "theory.png").is_file()


def test_without_the_flag_nothing_is_said_of_theory(written):
    _, folder, _ = written
    assert "unconstrained-feature" not in (folder / "index.html").read_text()
