"""What an output makes of a weight's rows, told by its slopes."""

import pytest
import torch
from torch import nn

from deepnrc.networks.dataflow.graph import Graph
from deepnrc.networks.dataflow.recording import record
from deepnrc.networks.dataflow.slopes import COLUMNS, Makeup, log_odds, makeup


@pytest.fixture
def tell(written):
    """What the slopes say of what a function makes of the output of a Linear (6, m)."""

    def run(forward, *shape, m=4, ask=makeup):
        torch.manual_seed(1)
        net = written(lambda s, x: forward(s.a(x)), a=nn.Linear(6, m))
        recording = record(net, (torch.randn(*shape, 6),), {}, {"a"})
        return ask(Graph(recording, {"a"}).calls, recording.output)

    return run


@pytest.mark.parametrize(
    "forward",
    [
        lambda z: z,
        lambda z: z + 3,
        lambda z: z - torch.ones(4),
        lambda z: z.view(-1, 2, 2),
        lambda z: z.T,
        lambda z: torch.cat(z.chunk(2, 1), 1),
        lambda z: {"y": z}["y"].double().float(),
    ],
)
@pytest.mark.parametrize("N", [1, 2, 5])
def test_all_rows_in_order_up_to_a_constant(tell, forward, N):
    assert tell(forward, N) == Makeup()


def test_one_positive_factor_for_all_changes_nothing_and_one_sample_tells_of_none(tell):
    assert [tell(lambda z: 3 * z, N) for N in (1, 2, 5)] == [None, Makeup(), Makeup()]


@pytest.mark.parametrize(
    ("forward", "rows"),
    [
        (lambda z: z.flip(1), (3, 2, 1, 0)),
        (lambda z: z.roll(1, 1), (3, 0, 1, 2)),
        (lambda z: z[:, 2], (2,)),
        (lambda z: z[:, 1:3] - 1, (1, 2)),
        (lambda z: z.view(-1, 2, 2).mT.reshape(-1, 4), (0, 2, 1, 3)),
        (lambda z: z.split([1, 3], 1)[1], (1, 2, 3)),
    ],
)
@pytest.mark.parametrize("N", [1, 5])
def test_an_order_and_a_choice_of_the_columns(tell, forward, rows, N):
    assert tell(forward, N) == Makeup(rows)


def test_one_column_may_stand_twice(tell):
    assert tell(lambda z: z[:, [0, 0, 3]], 5) == Makeup((0, 0, 3))


def test_more_columns_than_are_followed_one_by_one_are_told_by_their_numbers(tell):
    order = torch.randperm(COLUMNS + 9)
    assert tell(lambda z: z[:, order], 5, m=COLUMNS + 9) == Makeup(tuple(order.tolist()))
    assert tell(lambda z: z.cumsum(1), 5, m=COLUMNS + 9) is None


@pytest.mark.parametrize(
    ("forward", "matrix"),
    [
        (lambda z: z * torch.tensor([1.0, 2.0, 3.0, 4.0]) + 1, torch.diag(torch.tensor([1.0, 2, 3, 4]))),
        (lambda z: -z, -torch.eye(4)),
        (lambda z: z.flip(1) / torch.tensor([1.0, 2, -4, 1]), torch.diag(torch.tensor([1, 0.5, -0.25, 1])).flip(1)),
        (lambda z: z - z.mean(1, keepdim=True), torch.eye(4) - 0.25),
        (lambda z: z.view(-1, 2, 2).mean(2), torch.tensor([[0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5]])),
        (lambda z: z.cumsum(1), torch.ones(4, 4).tril()),
        (lambda z: z[:, :2] + z[:, 2:], torch.eye(2).repeat(1, 2)),
        (lambda z: z.sum(1), torch.ones(1, 4)),
    ],
)  # fmt: skip
def test_fixed_sums_and_factors_are_told(tell, forward, matrix):
    found = tell(forward, 5)
    if found.mixture is None:
        made = torch.zeros(4, 4)
        made[torch.arange(4), list(found.rows or range(4))] = torch.tensor(found.factors)
    else:
        made = torch.tensor(found.mixture)
    torch.testing.assert_close(made, matrix, atol=1e-5, rtol=0)


@pytest.mark.parametrize("curve", [torch.tanh, torch.sigmoid, torch.exp, lambda z: z**3, lambda z: z * z])
def test_what_each_column_does_alone_varies(tell, curve):
    assert tell(curve, 5) == Makeup((0, 1, 2, 3), varying=True)
    assert tell(lambda z: 2 * curve(z)[:, [3, 0]], 5) == Makeup((3, 0), varying=True)


@pytest.mark.parametrize(
    "forward",
    [
        lambda z: z - z.mean(0),
        lambda z: z.cumsum(0),
        lambda z: z.roll(1, 0),
        lambda z: (z - z.mean(0)).tanh(),
        lambda z: torch.cat([z[:1].tanh() + z[1:2].tanh(), z[1:].tanh()]),
        lambda z: z.softmax(1),
        nn.functional.normalize,
        lambda z: z[:, :2] * z[:, 2:],
        lambda z: nn.functional.batch_norm(z, None, None, training=True),
    ],
)
def test_columns_and_samples_that_are_mixed_otherwise_are_not_told(tell, forward):
    assert tell(forward, 5) is None


@pytest.mark.parametrize(
    ("forward", "found"),
    [
        (lambda z: z, Makeup()),
        (lambda z: z.mean(1), Makeup()),
        (lambda z: z.sum(1), Makeup()),
        (lambda z: z[:, -1], Makeup()),
        (lambda z: z.transpose(1, 2), Makeup()),
        (lambda z: z.reshape(-1, 4).view(5, 3, 4).mean(1), Makeup()),
        (lambda z: z.flatten(1), Makeup()),
        (lambda z: z.mean(1).flip(1), Makeup((3, 2, 1, 0))),
        (lambda z: z[..., [2, 0]], Makeup((2, 0))),
        (lambda z: z.mean(1).tanh(), Makeup((0, 1, 2, 3), varying=True)),
        (lambda z: z - z.mean(0), None),
    ],
)
def test_tokens_are_seen_alone_and_summed(tell, forward, found):
    assert tell(forward, 5, 3) == found


@pytest.mark.parametrize(
    ("forward", "found"),
    [
        (lambda z: z.softmax(1), Makeup()),
        (lambda z: (z / 0.1).log_softmax(1), Makeup()),
        (lambda z: z.flip(1).softmax(1), Makeup((3, 2, 1, 0))),
        (lambda z: (z * torch.tensor([1.0, 2, 3, 4])).softmax(1), None),
        (lambda z: z.tanh().softmax(1), None),
        (lambda z: (z - z.mean(0)).softmax(1), None),
        (lambda z: z.softmax(0), None),
        (lambda z: z, None),
    ],
)
def test_logits_are_told_behind_a_softmax(tell, forward, found):
    assert tell(forward, 5, ask=log_odds) == found
