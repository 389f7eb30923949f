"""Pictures of the closed forms: marks stand where it was measured, lines where it is predicted."""

import pandas as pd
import pytest

from experiments.studies.ufm import pictures
from experiments.studies.ufm.agreement import frame
from probes.ufm import ClassMinimum


@pytest.fixture
def axes(monkeypatch):
    """The panels that are drawn."""
    kept = []
    monkeypatch.setattr(pictures.sns, "despine", lambda ax: kept.append(ax))
    return kept


def test_the_distance_from_the_frame_is_drawn_on_its_prediction(axes, tmp_path):
    penalties = (0.05, 0.4, 3.2)
    predicted = [ClassMinimum(4, 50, 0.005, (0.005,), bias=value).frame_error(1) for value in penalties]
    pairs = zip(penalties, predicted, strict=True)
    records = [{"measure": "frame error", "lambda_h": 0.005, "lambda_w": at, "value": value} for at, value in pairs]
    pictures.bias(frame(records), tmp_path / "bias.png")
    (ax,) = axes
    theory, marks = ax.lines[:2]
    assert list(marks.get_xdata()) == list(penalties)
    assert theory.get_ydata()[[0, -1]] == pytest.approx([predicted[0], predicted[-1]])


def test_only_finished_parts_are_drawn(tmp_path):
    nothing = pd.DataFrame({"part": ["another"], "value": [1.0]})
    assert list(pictures.draw_all(nothing, tmp_path)) == []
