"""The picture of measured over predicted: its lines are the ratios."""

import math
from types import SimpleNamespace

import matplotlib.pyplot as plt
import pytest
import torch

from deepnrc.errors import UsageError
from experiments.pages import linearfigure


def network(*weights):
    """Ratios of as many layers, of two directions or of one."""
    ratios = torch.tensor(weights, dtype=torch.float64)
    return SimpleNamespace(weight_ratios=ratios, feature_ratios=ratios[1:] * 2, rank_ratios=ratios[1:, 0] * 3)


def test_lines_are_the_strongest_and_the_weakest_direction_by_layer(tmp_path, monkeypatch):
    kept = []
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", lambda figure, *a, **k: kept.append(figure))
    found = {"a": network([1.0, 7, 2], [3, 7, 4]), "b": network([5.0, 7, 0], [6, 7, 8])}
    linearfigure.draw_ratios(found, tmp_path / "linear.png")
    weights, features, ranks = kept[0].axes
    drawn = [(line.get_xdata().tolist(), line.get_ydata().tolist()) for line in weights.lines[1:]]
    assert drawn[:3] == [([1, 2], [1, 3]), ([1, 2], [2, 4]), ([1, 2], [5, 6])]
    assert math.isnan(drawn[3][1][0])  # 0 has no place on a logarithmic axis
    assert [line.get_ydata().tolist() for line in features.lines[1:3]] == [[6], [8]]
    assert [(line.get_xdata().tolist(), line.get_ydata().tolist()) for line in ranks.lines[1:]] == [
        ([2], [9]),
        ([2], [18]),
    ]
    words = [text.get_text() for text in kept[0].legends[0].get_texts()]
    assert words == ["a", "b", "strongest direction", "weakest direction kept"]
    plt.close("all")


def test_one_direction_needs_no_words_for_two(tmp_path, monkeypatch):
    kept = []
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", lambda figure, *a, **k: kept.append(figure))
    linearfigure.draw_ratios({"a": network([1.0], [3])}, tmp_path / "linear.png")
    assert [text.get_text() for text in kept[0].legends[0].get_texts()] == ["a"]
    plt.close("all")


def test_there_must_be_something_to_draw(tmp_path):
    with pytest.raises(UsageError, match="nothing to draw"):
        linearfigure.draw_ratios({}, tmp_path / "linear.png")
