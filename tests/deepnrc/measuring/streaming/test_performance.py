"""The network's own outputs: error and accuracy over batches, and what cannot be held against the targets."""

import re

import pytest
import torch

from deepnrc.measuring.streaming import performance
from deepnrc.measuring.streaming.performance import Performance

G = torch.Generator().manual_seed(0)
F, Y = torch.randn(40, 3, generator=G), torch.randn(40, 3, generator=G).double() + 100


@pytest.mark.parametrize("size", [1, 7, 40])
def test_the_error_is_the_mean_over_samples_and_outputs_of_any_batches(size):
    outputs = Performance()
    for f, y in zip(F.split(size), Y.split(size), strict=True):
        outputs.compare(outputs.prediction({"": f}, y, 1), y, None, None)
    assert outputs.mse == pytest.approx(float((F.double() - Y).square().mean()), rel=1e-12)
    assert outputs.residuals.scatter.shape == (6, 6)


def test_accuracy_counts_the_largest_outputs():
    outputs, classes = Performance(), torch.eye(3).double()[torch.arange(40) % 3]
    outputs.compare(F, classes, classes.argmax(1), F.argmax(1))
    assert outputs.accuracy == float((F.argmax(1) == torch.arange(40) % 3).double().mean())


def test_the_covariance_of_very_many_outputs_is_not_kept_and_the_error_is(monkeypatch):
    monkeypatch.setattr(performance, "MOST", 2)
    outputs, classes = Performance(), torch.eye(3).double()[torch.arange(40) % 3]
    outputs.compare(F, classes, classes.argmax(1), F.argmax(1))
    both = Performance.joined([outputs, outputs])
    assert both.mse == outputs.mse == pytest.approx(float((F.double() - classes).square().mean()), rel=1e-12)
    assert (both.accuracy, both.residuals) == (outputs.accuracy, None)
    assert outputs.missing == "the covariance of 3 outputs is not kept: it takes up to 2"


def test_before_any_output_nothing_is_known():
    outputs = Performance()
    assert (outputs.mse, outputs.accuracy) == (None, None)
    assert outputs.prediction({}, Y, 1) is None
    assert outputs.missing == "the network's output was not seen"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"": F[:, :2]}, r"the output \(40, 2\) does not have the targets' shape \(N, 3\)"),
        ({"": F, "1": F}, r"several outputs have the targets' shape \(N, 3\)"),
        ({"": F.where(F > 0, float("nan"))}, "holds NaN or infinity in batch 2"),
    ],
)
def test_what_cannot_be_compared_ends_the_comparison_for_good(given, words):
    outputs = Performance()
    assert len(given) > 1 or outputs.prediction({"": F}, Y, 1) is F
    outputs.compare(F, Y, None, None)
    assert outputs.prediction(given, Y, 2) is None
    assert outputs.prediction({"": F}, Y, 3) is None
    assert outputs.mse is None
    assert re.search(words, outputs.missing)


def test_of_several_outputs_the_one_of_the_targets_shape_predicts():
    assert Performance().prediction({"a": F[:, :2], "b": F, "c": F[:, 0]}, Y, 1) is F
    assert Performance().prediction({"": F[:, 0]}, Y[:, :1], 1).shape == (40, 1)
