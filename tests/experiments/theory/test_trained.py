"""Trained last layers beside the unconstrained-feature model: found, fitted, told, or left out."""

from dataclasses import dataclass, replace

import pytest
import torch
from torch import nn

from deepnrc.errors import UsageError
from experiments.data.lowrank import LowRank
from experiments.pages import sweeppage as pages
from experiments.theory import trained as theory
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


@pytest.mark.usefixtures("all_shrink")
def test_trained_settings_with_weight_decay_are_fitted(swept, setting, study, tmp_path, sketched):
    settings = (setting("none"), setting("some", 1e-2, epochs=30), setting("untrained", 1e-2, epochs=0))
    results = swept(study(*settings, theory=True))
    found, without = theory.fits(theory.networks(results))
    assert (list(found), without) == (["some"], {})
    told = theory.table(found, without)
    assert told["columns"][:3] == ["setting", "lambda_h", "lambda_w"]
    assert told["rows"][0][0] == "some"
    pages.write(results, [], tmp_path, progress=False)
    page = (tmp_path / "index.html").read_text()
    assert "unconstrained-feature model" in page
    assert "error of WW&#39;" in page
    assert (tmp_path / "theory.png").is_file()


@pytest.fixture
def all_shrink(monkeypatch):
    """Networks of a few epochs count as ones whose features are free."""
    fit = theory.fit
    monkeypatch.setattr(theory, "fit", lambda *parts: replace(fit(*parts), shrinks=True))


@dataclass(frozen=True)
class Headless:
    """A network without a Linear."""

    def build(self, data, seed):
        return nn.Sequential(nn.Unflatten(1, (6, 1)), nn.Conv1d(6, 4, 1), nn.Flatten())


@pytest.mark.usefixtures("all_shrink")
def test_a_setting_without_a_fit_has_its_reason_in_the_table(swept, setting, study, tmp_path, sketched):
    settings = (
        setting("none"), setting("some", 1e-2, epochs=30), setting("headless", 1e-2, network=Headless()),
        setting("wild", 1e-2, lr=1e6, epochs=30),
    )  # fmt: skip
    results = swept(study(*settings, theory=True))
    found, without = theory.fits(theory.networks(results))
    assert list(found) == ["some"]
    assert without["headless"].startswith("No fit: The network has no Linear")
    assert without["wild"] == "No fit: the first seed diverged."
    told = theory.table(found, without)
    assert [row[0] for row in told["rows"]] == ["some", "headless", "wild"]
    assert told["columns"][-1] == "note"
    assert told["rows"][1][1:] == [""] * (len(told["columns"]) - 2) + [without["headless"]]
    pages.write(results, [], tmp_path, progress=False)
    assert without["headless"] in (tmp_path / "index.html").read_text()


def test_a_network_whose_features_are_not_free_is_not_told_of(swept, setting, study, monkeypatch):
    fit = theory.fit
    monkeypatch.setattr(theory, "fit", lambda *parts: replace(fit(*parts), shrinks=False))
    found = theory.fits(theory.networks(swept(study(setting("some", 1e-2), theory=True))))
    assert found == ({}, {})
    assert theory.table(*found) is None


def test_reasons_alone_make_a_table_too(swept, setting, study, tmp_path, sketched):
    pages.write(swept(study(setting("headless", 1e-2, network=Headless()), theory=True)), [], tmp_path, progress=False)
    assert "No fit: The network has no Linear" in (tmp_path / "index.html").read_text()
    assert not (tmp_path / "theory.png").exists()


@pytest.mark.usefixtures("all_shrink")
def test_columns_hold_for_every_setting(swept, setting, study):
    adam = setting("adam", 1e-2)
    adam = replace(adam, recipe=replace(adam.recipe, optimizer="adam"))
    told = theory.table(*theory.fits(theory.networks(swept(study(adam, setting("sgd", 1e-2), theory=True)))))
    at = told["columns"].index("lambda_w of the weight decay")
    assert [row[at] for row in told["rows"]] == ["", "0.02"]


def test_data_is_loaded_once_for_all_settings(swept, setting, study, monkeypatch):
    results = swept(study(setting("one", 1e-2), setting("two", 2e-2), theory=True))
    load, loaded = LowRank.load, []
    monkeypatch.setattr(LowRank, "load", lambda self, seed: loaded.append(seed) or load(self, seed))
    assert len(theory.networks(results)) == 2
    assert loaded == [0]


def test_without_the_flag_nothing_is_said_of_theory(swept, setting, study, tmp_path, sketched):
    pages.write(swept(study(setting("some", 1e-2))), [], tmp_path, progress=False)
    assert "unconstrained-feature" not in (tmp_path / "index.html").read_text()
    assert not (tmp_path / "theory.png").exists()
