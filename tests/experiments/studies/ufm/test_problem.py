import pytest
import torch

from deepnrc.errors import UsageError
from experiments.data.prescribed import one_hot, spread
from experiments.studies.ufm.problem import Chain, Problem, column, stacked


def two_cells(bias=None, relu=False, layers=2):
    Y = spread((1.0, 0.4), 12, mean=0.3)
    weights = tuple(column(0.1 * k, 0.3) for k in range(1, layers + 1))
    return Problem(Y, tuple(range(4, 4 + layers)), column(0.02, 0.05), weights, bias, relu)


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("bias", [None, 0.0, 0.7])
@pytest.mark.parametrize("layers", [1, 3])
def test_the_loss_is_the_written_one_and_its_gradient_that_of_autograd(layers, bias, relu):
    problem = two_cells(bias, relu, layers)
    point = [part.requires_grad_() for part in problem.start(1)]
    loss, gradient = problem.evaluate(point)
    for cell in range(2):
        after = point[0][cell]
        for k, W in enumerate(point[1 : 1 + layers]):
            after = (after.relu() if k and relu else after) @ W[cell].T
        after = after if bias is None else after + point[-1][cell]
        expected = (after - problem.Y).square().sum() / 24
        penalties = [problem.feature_penalty, *problem.weight_penalties]
        for part, penalty in zip(point, penalties, strict=False):
            expected = expected + penalty[cell] / 2 * part[cell].square().sum()
        expected = expected + (bias or 0) / 2 * (point[-1][cell].square().sum() if bias is not None else 0)
        assert float(loss[cell].detach()) == pytest.approx(float(expected.detach()), rel=1e-14)
    for mine, theirs in zip(gradient, torch.autograd.grad(loss.sum(), point), strict=True):
        assert torch.allclose(mine, theirs, atol=1e-15)


def test_cells_do_not_mix():
    problem = two_cells(bias=0.0)
    point = stacked([[p[:1] for p in problem.start(seed)] for seed in (1, 2)])
    losses, gradients = problem.evaluate(point)
    for cell in range(2):
        one, own = problem.cell(cell).evaluate([p[cell : cell + 1] for p in point])
        assert one.item() == losses[cell].item()
        assert all(torch.equal(a[0], b[cell]) for a, b in zip(own, gradients, strict=True))


@pytest.mark.parametrize(("bias", "relu"), [(None, False), (0.0, True)])
def test_the_torch_network_computes_the_same(bias, relu):
    problem = two_cells(bias, relu)
    point = problem.start(3)
    network = Chain(point, 1, 2, relu)
    after = (point[0][1] @ point[1][1].T).relu() if relu else point[0][1] @ point[1][1].T
    after = after @ point[2][1].T + (point[-1][1] if bias is not None else 0)
    assert torch.equal(network(torch.arange(12)), after)
    assert torch.equal(network.weight(2), point[2][1])
    assert [name for name, _ in network.named_children()] == ["features", "relu", "W1", "W2"]


def test_a_start_depends_on_its_seed_only():
    problem = two_cells()
    first, again, other = (problem.start(seed)[0] for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert torch.equal(first[0], first[1])
    assert not torch.equal(first, other)


def test_widths_and_layers_that_do_not_match_are_refused():
    with pytest.raises(UsageError, match="A chain of 1 layers reads features of as many widths; 2 were given"):
        Problem(one_hot(2, 3), (4, 4), column(0.1), (column(0.1),))
