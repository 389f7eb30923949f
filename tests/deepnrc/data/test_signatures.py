import math
from typing import Any

import pytest
from torch import nn

from deepnrc.data.signatures import Signature, signature


def of(forward: Any) -> Signature:
    net = nn.Module()
    net.forward = forward
    return signature(net)


@pytest.mark.parametrize(
    ("forward", "least", "most"),
    [
        (lambda: 0, 0, 0),
        (lambda x: 0, 1, 1),
        (lambda x, y, z=None: 0, 2, 3),
        (lambda x, /, y=0: 0, 1, 2),
        (lambda x, *more: 0, 1, math.inf),
        (lambda *, x, y=0: 0, 0, 0),
    ],
)
def test_how_many_arguments_go_by_position(forward: Any, least: int, most: float) -> None:
    found = of(forward)
    assert (found.least, found.most) == (least, most)
    assert [found.takes(count) for count in range(6)] == [least <= count <= most for count in range(6)]


@pytest.mark.parametrize(
    ("forward", "required", "named", "any_name"),
    [
        (lambda x, mask=None: 0, {"x"}, {"x", "mask"}, False),
        (lambda x, /, *, mask, scale=1: 0, {"mask"}, {"mask", "scale"}, False),
        (lambda x, **more: 0, {"x"}, {"x"}, True),
        (lambda *more: 0, set(), set(), False),
    ],
)
def test_which_arguments_go_by_name(forward: Any, required: set[str], named: set[str], any_name: bool) -> None:
    found = of(forward)
    assert (found.required, found.named, found.open) == (required, named, any_name)


def test_self_is_not_an_argument_of_a_module() -> None:
    assert signature(nn.Linear(2, 2)) == Signature(1, 1, frozenset({"input"}), frozenset({"input"}), False)


def test_where_nothing_can_be_read_anything_is_taken() -> None:
    assert signature(None) == of(3) == Signature()
    assert Signature().takes(0)
    assert Signature().takes(1000)
    assert Signature().open


def test_a_module_without_a_forward_of_its_own_takes_anything() -> None:
    assert signature(nn.Module()).takes(3)
