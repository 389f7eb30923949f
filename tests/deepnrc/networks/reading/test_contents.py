"""What is found in whatever a module is given or gives."""

from collections import OrderedDict, namedtuple
from dataclasses import dataclass

import pytest
import torch
from torch import nn

from deepnrc.networks.choosing.layers import choose
from deepnrc.networks.reading.contents import all_tensors, first_tensor, read_argument

A, B, C = torch.zeros(1), torch.ones(1), torch.ones(2)
Pair = namedtuple("Pair", "left right")


@dataclass
class Output:
    scores: object
    hidden: object = None


@pytest.mark.parametrize(
    "value",
    [
        (A, B, C),
        [A, (B, [C])],
        {"a": A, "b": {"c": B, "d": [None, C]}},
        OrderedDict(a=A, b=(B, C)),
        Output(A, (B, C)),
        Output(None, Pair(A, {"b": B, "c": C})),
        (None, 3, "words", A, Pair(B, Output(C))),
    ],
)
def test_tensors_are_found_in_order_however_they_are_nested(value):
    found = list(all_tensors(value))
    assert [t is u for t, u in zip(found, (A, B, C), strict=True)] == [True] * 3
    assert first_tensor(value) is A


@pytest.mark.parametrize("value", [None, 3, "words", (), {}, [None, ("a",)], Output(None)])
def test_where_there_is_no_tensor_none_is_found(value):
    assert first_tensor(value) is None


@pytest.mark.parametrize(("part", "place"), [("q_proj", 0), ("k_proj", 1), ("v_proj", 2)])
def test_each_projection_of_attention_reads_its_own_argument(part, place):
    net = nn.ModuleDict({"mix": nn.MultiheadAttention(4, 2, kdim=5, vdim=6)})
    sites = {site.name: site for site in choose(net).sites}
    given = (torch.randn(3, 2, 4), torch.randn(3, 2, 5), torch.randn(3, 2, 6))
    named = dict(zip(("query", "key", "value"), given, strict=True))
    site = sites[f"mix.{part}"]
    assert read_argument(site, given, {}) is given[place]
    assert read_argument(site, (), named) is given[place]
