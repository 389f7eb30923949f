"""Which weights, and which of their rows, give an output."""

import pytest
import torch
from torch import nn

from deepnrc.networks.dataflow.flow import Giving
from deepnrc.networks.dataflow.graph import Graph
from deepnrc.networks.dataflow.heads import COLUMNS, giving, listed
from deepnrc.networks.dataflow.recording import record

X = torch.randn(5, 6)


@pytest.fixture
def given(written):
    """What gives the output of a network of two Linears, "a" (6, 4) and "b" (6, 4)."""

    def tell(forward, width=4, **parts):
        net = written(forward, a=nn.Linear(6, width), b=nn.Linear(6, width), **parts)
        recording = record(net, (X,), {}, {"a", "b"})
        return giving(Graph(recording, {"a", "b"}), recording.output)

    return tell


def test_rows_are_told_where_gradients_are_off(given):
    with torch.no_grad():
        assert given(lambda s, x: s.a(x)[:, 2]).rows == (2,)


def test_one_weight_all_of_whose_rows_are_used_has_none_named(given):
    assert given(lambda s, x: s.a(x).tanh()) == Giving(("a",), ("tanh",))


@pytest.mark.parametrize(
    ("forward", "rows"),
    [
        (lambda s, x: s.a(x)[:, 1:3], (1, 2)),
        (lambda s, x: s.a(x).flip(1)[:, :3], (3, 2, 1)),
        (lambda s, x: s.a(x)[:, [2, 0]] ** 3, (2, 0)),
        (lambda s, x: s.a(x)[:, 2], (2,)),
        (lambda s, x: s.a(x).view(-1, 2, 2).diagonal(dim1=1, dim2=2), (0, 3)),
        (lambda s, x: torch.cat([s.a(x), s.b(x)], 1), (0, 1, 2, 3, 4, 5, 6, 7)),
        (lambda s, x: torch.stack([s.a(x), s.b(x)], 2).flatten(1)[:, :4], (0, 4, 1, 5)),
    ],
)
def test_each_column_has_the_row_on_which_it_depends(given, forward, rows):
    found = given(forward)
    assert (found.rows, found.missing) == (rows, "")


@pytest.mark.parametrize(
    ("forward", "missing"),
    [
        (lambda s, x: x.cumsum(1), "no weight gives the prediction"),
        (lambda s, x: s.a(x) + s.b(x), "'a' and 'b' give the prediction together, and not side by side"),
        (lambda s, x: torch.cat([s.a(x), s.a(x)], 1), "'a' gives the prediction in 2 runs"),
        (lambda s, x: torch.cat([s.a(x), s.b(x.tanh())], 1), "'a' and 'b' give the prediction from different features"),
        (lambda s, x: s.a(x)[:, None] * s.P, "'P' comes in between 'a' and the prediction"),
        (
            lambda s, x: s.a(x) @ torch.ones(4, 2),
            "a matrix that is no parameter gives the prediction, from what 'a' gives: top= names the layer to be taken "
            "all the same",
        ),
        (
            lambda s, x: nn.functional.linear(s.a(x), torch.ones(2, 4)),
            "a matrix that is no parameter gives the prediction, from what 'a' gives: top= names the layer to be taken "
            "all the same",
        ),
        (
            lambda s, x: torch.cat([s.a(x), s.b(x)], 1).softmax(1)[:, :2],
            "which rows of 'a' and 'b' give which output could not be told",
        ),
    ],
)
def test_what_is_not_given_row_by_row_says_why(given, forward, missing):
    found = given(forward, P=nn.Parameter(torch.randn(3, 4)))
    assert (found.missing, found.rows) == (missing, None)


def test_equal_copies_of_the_features_are_the_same_features(given):
    assert given(lambda s, x: torch.cat([s.a(x), s.b(x.clone() + 0)], 1)).missing == ""


def test_more_columns_than_are_worth_following_are_not(given):
    found = given(lambda s, x: torch.cat([s.a(x), s.b(x)], 1), width=COLUMNS // 2 + 1)
    assert (found.rows, found.missing) == (None, "which rows of 'a' and 'b' give which output could not be told")


def test_names_are_listed_with_an_and_before_the_last():
    assert [listed("abc"[:n]) for n in (1, 2, 3)] == ["'a'", "'a' and 'b'", "'a', 'b' and 'c'"]
