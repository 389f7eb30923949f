"""The picture of trained last layers beside the model that was fitted to them."""

import pytest

from deepnrc.errors import UsageError
from experiments.data.prescribed import covariance, spread
from experiments.pages.overlay import overlay
from experiments.theory.fit import fit
from probes.ufm import RegressionMinimum


def at_minimum():
    Y = spread((1.0, 0.5, 0.2, 0.01), 100, mean=0.4)
    return RegressionMinimum(covariance(Y), 0.1, 0.05).at(Y, 9), Y


def test_without_a_fit_there_is_nothing_to_draw():
    with pytest.raises(UsageError, match="nothing to draw"):
        overlay({}, "x.png")


def test_the_overlay_is_drawn_with_every_fit(tmp_path):
    at, Y = at_minimum()
    overlay({"one": fit(at.H, at.W, at.b, Y), "two": fit(at.H, 1.1 * at.W, at.b, Y)}, tmp_path / "fit.svg")
    text = (tmp_path / "fit.svg").read_text()
    assert all(word in text for word in (">one<", ">two<", ">predicted<"))


def test_the_overlay_draws_the_residuals_that_the_fit_predicts(tmp_path, monkeypatch):
    at, Y = at_minimum()
    found, drawn = fit(at.H, at.W, at.b, Y), []
    monkeypatch.setattr("experiments.pages.overlay.sns.despine", lambda ax: drawn.append(ax))
    monkeypatch.setattr(type(found), "predicted_residual", lambda self, variances: 3 * variances)
    overlay({"one": found}, tmp_path / "fit.png")
    variances, predicted = drawn[1].lines[0].get_data()
    assert list(predicted) == pytest.approx(list(3 * variances))
