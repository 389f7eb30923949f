"""Which weights, and which of their rows, give an output."""

import pytest
import torch
from torch import nn

from deepnrc.networks.dataflow.flow import Giving
from deepnrc.networks.dataflow.graph import Graph
from deepnrc.networks.dataflow.heads import REMEDY, bent_before_summed, giving, listed
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
    assert given(lambda s, x: s.a(x) + 1) == Giving(("a",), ("sum",))


@pytest.mark.parametrize(
    ("forward", "told"),
    [
        (lambda s, x: s.a(x).tanh(), {"rows": (0, 1, 2, 3), "altered": "tanh"}),
        (lambda s, x: s.a(x).clamp(-99, 99), {"altered": "clamp"}),
        (lambda s, x: torch.maximum(s.a(x), torch.tensor(-99.0)), {"altered": "Maximum"}),
        (lambda s, x: torch.cat([s.a(x), s.b(x).exp()], 1), {"rows": (*range(8),), "altered": "exp"}),
        (lambda s, x: s.a(x) * s.a.bias.detach().exp()[None], {"factors": ...}),
        (lambda s, x: s.a(x).view(-1, 2, 2).mean(1), {"mixture": ((0.5, 0.0, 0.5, 0.0), (0.0, 0.5, 0.0, 0.5))}),
        (lambda s, x: (s.a(x) / 3).log_softmax(1), {"logits": "log softmax"}),
        (lambda s, x: s.a(x).flip(1).softmax(1), {"rows": (3, 2, 1, 0), "logits": "softmax"}),
    ],
)
def test_what_lies_between_the_weight_and_the_output_is_told(given, forward, told):
    found = given(forward)
    assert found.missing == ""
    for name in ("rows", "factors", "mixture", "altered", "logits"):
        expected = told.get(name, "" if name in ("altered", "logits") else None)
        assert getattr(found, name) == expected or (expected is ... and getattr(found, name))


@pytest.mark.parametrize(
    ("forward", "by_numbers"),
    [
        (lambda s, x: s.a(x)[:, [2, 0]] + 3, False),
        (lambda s, x: torch.cat([s.a(x), s.b(x)], 1), False),
        (lambda s, x: s.a(x) * s.a.bias, True),
        (lambda s, x: s.a(x).tanh(), True),
    ],
)
def test_only_numbers_that_may_be_trained_do_not_last(given, forward, by_numbers):
    assert given(forward).by_numbers == by_numbers


@pytest.mark.parametrize(
    ("forward", "rows"),
    [
        (lambda s, x: s.a(x)[:, 1:3], (1, 2)),
        (lambda s, x: s.a(x).flip(1)[:, :3], (3, 2, 1)),
        (lambda s, x: s.a(x)[:, [2, 0]] ** 3, (2, 0)),
        (lambda s, x: s.a(x)[:, 2], (2,)),
        (lambda s, x: s.a(x).view(-1, 2, 2).diagonal(dim1=1, dim2=2), (0, 3)),
        (lambda s, x: torch.cat([s.a(x), s.b(x)], 1), None),
        (lambda s, x: torch.cat([s.b(x), s.a(x)], 1)[:, 3:5], (3, 4)),
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
        (lambda s, x: s.a(x) + s.b(x), f"'a' and 'b' give the prediction together, and not side by side: {REMEDY}"),
        (lambda s, x: torch.cat([s.a(x), s.a(x)], 1), f"'a' gives the prediction in 2 runs: {REMEDY}"),
        (
            lambda s, x: torch.cat([s.a(x), s.b(x.tanh())], 1),
            f"'a' and 'b' give the prediction from different features: {REMEDY}",
        ),
        (lambda s, x: s.a(x)[:, None] * s.P, f"'P' comes in between 'a' and the prediction: {REMEDY}"),
        (
            lambda s, x: s.a(x) @ torch.ones(4, 2),
            f"a matrix that is no parameter gives the prediction, from what 'a' gives: {REMEDY}",
        ),
        (
            lambda s, x: nn.functional.linear(s.a(x), torch.ones(2, 4)),
            f"a matrix that is no parameter gives the prediction, from what 'a' gives: {REMEDY}",
        ),
        (
            lambda s, x: torch.cat([s.a(x), s.b(x)], 1).softmax(1)[:, :2],
            "the prediction is not what 'a' and 'b' give, but is computed from it over columns or samples "
            f"(concatenation, softmax, selection): {REMEDY}, or output= an output that is what a layer gives",
        ),
        (
            lambda s, x: s.a(x) - s.a(x[:1]).mean(0),
            f"'a' gives the prediction in 2 runs: {REMEDY}",
        ),
        (
            lambda s, x: (z := s.a(x)) - z.mean(0),
            "the prediction is not what 'a' gives, but is computed from it over columns or samples "
            f"(difference, mean over an axis): {REMEDY}, or output= an output that is what a layer gives",
        ),
    ],
)
def test_what_is_not_given_row_by_row_says_why(given, forward, missing):
    found = given(forward, P=nn.Parameter(torch.randn(3, 4)))
    assert (found.missing, found.rows) == (missing, None)


def test_one_sample_does_not_tell_of_factors(given):
    assert given(lambda s, x: s.a(x[:1]) * 2).missing == (
        "a first batch of one sample does not tell what is made of what 'a' gives (product): let the loader give "
        f"larger batches, or {REMEDY}"
    )
    assert given(lambda s, x: s.a(x[:1]).flip(1) + 2).rows == (3, 2, 1, 0)


def test_equal_copies_of_the_features_are_the_same_features(given):
    assert given(lambda s, x: torch.cat([s.a(x), s.b(x.clone() + 0)], 1)).missing == ""


def test_names_are_listed_with_an_and_before_the_last():
    assert [listed("abc"[:n]) for n in (1, 2, 3)] == ["'a'", "'a' and 'b'", "'a', 'b' and 'c'"]


@pytest.mark.parametrize(
    ("words", "bent"),
    [
        (("ReLU", "mean over an axis"), True),
        (("normalisation", "ReLU", "AvgPool2D", "reshaping"), True),
        (("absolute value", "selection", "sum"), True),
        (("Maximum", "sum over an axis", "quotient"), True),
        (("mean over an axis", "sum", "ReLU"), False),
        (("MaskedFill", "sum over an axis", "quotient"), False),
        (("reshaping", "mean over an axis"), False),
    ],
)
def test_what_is_bent_before_it_is_summed_is_told_by_the_order(words, bent):
    assert bent_before_summed(words) == bent
