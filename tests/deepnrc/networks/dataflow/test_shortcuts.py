"""Weights on the short way of two that part and are summed again."""

import pytest
import torch
from torch import nn

from deepnrc.networks.dataflow.tracing import trace

PARTS = ("before", "short", "first", "second", "after")


@pytest.fixture
def found(written):
    """The shortcuts of a network of five Linears (6, 6)."""

    def run(forward):
        net = written(forward, **{name: nn.Linear(6, 6) for name in PARTS}, norm=nn.LayerNorm(6))
        return trace(net.eval(), (torch.randn(5, 6),), {}).dataflow.shortcuts

    return run


def long(s, x):
    return s.second(s.first(x).relu())


ON_ONE = {
    "a block": (lambda s, x: s.after(s.short(h := s.before(x)) + long(s, h)), ("before", "after")),
    "the other way around": (lambda s, x: s.after(long(s, h := s.before(x)) + s.short(h)), ("before", "after")),
    "a difference": (lambda s, x: s.after(s.short(h := s.before(x)) - long(s, h)), ("before", "after")),
    "from the input": (lambda s, x: s.after(s.short(x) + long(s, x)), ("(input)", "after")),
    "to the output": (lambda s, x: s.short(h := s.before(x)) + long(s, h), ("before", "(output)")),
    "an activation behind the sum": (
        lambda s, x: s.after((s.short(h := s.before(x)) + long(s, h)).relu()),
        ("before", "after"),
    ),
    "norms on both ways": (
        lambda s, x: s.after(s.norm(s.short(h := s.before(x))) + s.norm(long(s, h))),
        ("before", "after"),
    ),
}


@pytest.mark.parametrize("case", ON_ONE)
def test_a_weight_beside_a_longer_way_is_on_a_shortcut_with_two_ends(found, case):
    forward, ends = ON_ONE[case]
    assert found(forward) == {"short": ends}


ON_NONE = {
    "a chain": lambda s, x: s.after(s.second(s.first(s.before(x)).relu())),
    "an identity": lambda s, x: s.after((h := s.before(x)) + long(s, h)),
    "no activation on the long way": lambda s, x: s.after(s.short(h := s.before(x)) + s.second(s.first(h))),
    "one weight on each": lambda s, x: s.after(s.short(h := s.before(x)) + s.first(h)),
    "one on each behind an activation": lambda s, x: s.after(s.short(h := s.before(x).relu()) + s.first(h)),
    "an activation behind it": lambda s, x: s.after(s.short(h := s.before(x)).relu() + long(s, h)),
    "a product": lambda s, x: s.after(s.short(h := s.before(x)) * long(s, h)),
    "side by side": lambda s, x: torch.cat([s.short(h := s.before(x)), long(s, h)], 1),
}


@pytest.mark.parametrize("case", ON_NONE)
def test_what_is_no_such_pair_of_ways_has_no_shortcut(found, case):
    assert found(ON_NONE[case]) == {}
