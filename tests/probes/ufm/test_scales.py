import pytest
import torch
from torch import nn

from probes.ufm import FORMS, effective


def objective(Y, H, W, lambda_h, lambda_w):
    N = len(Y)
    return (
        (H @ W.T - Y).square().sum() / (2 * N) + lambda_h / (2 * N) * H.square().sum() + lambda_w / 2 * W.square().sum()
    )


def half_mean(Y, H, W, h, w):
    return (H @ W.T - Y).square().mean() / 2 + h / (2 * len(Y)) * H.square().sum() + w / 2 * W.square().sum()


def mean(Y, H, W, h, w):
    return (H @ W.T - Y).square().mean() + h / len(Y) * H.square().sum() + w * W.square().sum()


def weight_decay(Y, H, W, h, w):
    """nn.MSELoss, the weight decay of W, and that of features which are parameters: h/N each."""
    return nn.MSELoss()(H @ W.T, Y) + h / len(Y) / 2 * H.square().sum() + w / 2 * W.square().sum()


@pytest.mark.parametrize(
    ("form", "loss", "factor"),
    [("sum", objective, 1), ("half mean", half_mean, 4), ("mean", mean, 2), ("weight decay", weight_decay, 2)],
)
def test_each_form_is_the_objective_times_a_constant(form, loss, factor):
    g = torch.Generator().manual_seed(0)
    Y, H, W = (torch.randn(shape, generator=g, dtype=torch.float64) for shape in ((30, 4), (30, 7), (4, 7)))
    expected = objective(Y, H, W, effective(0.03, 4, form), effective(0.2, 4, form))
    assert float(factor * loss(Y, H, W, 0.03, 0.2)) == pytest.approx(float(expected), rel=1e-14)


def test_what_is_not_in_the_table_is_refused():
    assert set(FORMS) == {"sum", "half mean", "mean", "weight decay"}
    with pytest.raises(ValueError, match=r"There is no loss form 'huber'\. Choose from: sum, half mean"):
        effective(0.1, 2, "huber")
    with pytest.raises(ValueError, match="penalty must be a finite number"):
        effective(-0.1, 2, "sum")
    with pytest.raises(ValueError, match="n must be at least 1; it is 0"):
        effective(0.1, 0, "sum")
