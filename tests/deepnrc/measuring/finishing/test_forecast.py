import warnings

import pytest
import torch
from torch import nn

import deepnrc
from deepnrc.measuring.finishing import forecast


def test_seconds_are_those_of_decompositions_and_of_few_samples_less(monkeypatch):
    monkeypatch.setattr(forecast, "_decomposition", lambda: 0.01)
    assert forecast.seconds({"a": (None, 256)}) == pytest.approx(0.03)
    assert forecast.seconds({"a": (10**6, 512), "b": (256, 256)}) == pytest.approx(0.03 * 9)
    assert forecast.seconds({"a": (64, 512)}) == pytest.approx(0.03 * 64**2 * 512 / 256**3)


def test_a_decomposition_is_timed():
    assert 0 < forecast._decomposition() < 60


@pytest.mark.parametrize(("wide", "warned"), [((None, 40_000), True), ((24, 40_000), False), ((10**6, 300), False)])
def test_more_than_ten_minutes_are_warned_of(monkeypatch, wide, warned):
    monkeypatch.setattr(forecast, "_decomposition", lambda: 0.01)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        forecast.warn_of_long({"small": (None, 8), "wide": wide})
    assert [str(w.message).endswith("and another pool= reads fewer features.") for w in caught] == [True] * warned
    assert not warned or "about 1907 minutes" in str(caught[0].message)


def test_a_run_warns_before_it_measures(monkeypatch):
    monkeypatch.setattr(forecast, "NEVER", 1.0)
    monkeypatch.setattr(forecast, "_decomposition", lambda: 1e9)
    with pytest.warns(UserWarning, match="Measuring 1 layers .* the 4 features of '.layer.'"):
        deepnrc.probe(nn.Linear(4, 2), (torch.randn(20, 4), torch.randn(20, 2)), progress=False)
