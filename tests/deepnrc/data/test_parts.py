from collections import namedtuple
from typing import Any

import pytest
import torch
from torch import Tensor

from deepnrc.data.parts import contents, parting
from deepnrc.errors import UsageError

X, Y = torch.arange(6.0).reshape(2, 3), torch.tensor([[1.0], [2.0]])
Row = namedtuple("Row", ["image", "angle"])


def parted(batch: Any, say: Any, number: int = 7) -> tuple[Any, Any]:
    part = parting(say)
    assert part is not None
    return part(batch, number)


def test_who_says_nothing_gets_nothing() -> None:
    assert parting(None) is None


@pytest.mark.parametrize(
    ("batch", "say"),
    [
        ((X, "path", Y), (0, 2)),
        ([X, "path", Y], [0, -1]),
        (("id", X, Y), ("1", "-1")),
        ({"image": X, "angle": Y}, ("image", "angle")),
        ({"image": X, "angle": {"left": Y}}, ("image", "angle.left")),
        ({"image": X, "angle.left": Y, "angle": {"left": X}}, ("image", "angle.left")),
        ((X, {"a.b": {"c": Y}}), (0, "1.a.b.c")),
        (Row(X, Y), ("image", "angle")),
        ({"both": Row(X, Y)}, ("both.image", "both.1")),
        ({0: X, 1: Y}, (0, 1)),
        ((X, Y), lambda batch: [batch[0], batch[1]]),
    ],
)
def test_input_and_target_are_found_by_position_name_path_or_function(batch: Any, say: Any) -> None:
    found = parted(batch, say)
    assert found[0] is X
    assert found[1] is Y


def test_several_inputs_are_a_tuple_and_several_targets_stand_side_by_side() -> None:
    inputs, targets = parted({"a": X, "b": Y, "c": torch.tensor([5.0, 6.0])}, (("a", "b"), ("b", "c")))
    assert inputs[0] is X
    assert inputs[1] is Y
    assert targets.tolist() == [[1.0, 5.0], [2.0, 6.0]]


def test_targets_of_other_lengths_or_shapes_do_not_go_side_by_side() -> None:
    batch = {"x": X, "y": Y, "long": torch.ones(3), "map": torch.ones(2, 1, 1)}
    for name, shape in (("long", r"\(3, 1\)"), ("map", r"\(2, 1, 1\)")):
        with pytest.raises(UsageError, match=rf"batch 7 have shapes \(2, 1\), {shape}; side by side go"):
            parted(batch, ("x", ("y", name)))


@pytest.mark.parametrize("say", [(0,), (0, 1, 2), (0, 1.5), (True, 1), ((), 0), ("xy"), 3, {"x": 0}])
def test_what_is_no_pair_of_names_and_no_function_is_refused_before_any_batch(say: Any) -> None:
    with pytest.raises(UsageError, match="must be a function of a batch that returns"):
        parting(say)


@pytest.mark.parametrize(
    ("batch", "name", "words"),
    [
        (
            {"image": X, "angle": Y},
            "angel",
            r"no part 'angel' \(image \(2, 3\), angle \(2, 1\)\)\. Did you mean 'angle'",
        ),
        ((X, Y), 2, r"no part 2 \(\(2, 3\), \(2, 1\)\)\. Say which are input and target: "),
        ((X, Y), -3, "no part -3"),
        ((X, Y), "--1", "no part '--1'"),
        ((X, Y), "²", "no part '²'"),
        ({"a": {"b": Y}}, "a.c", "no part 'a.c'"),
        (X, "T", r"no part 'T'\. Say"),
        (X, 0, r"no part 0\. Say"),
    ],
)
def test_a_part_that_a_batch_does_not_hold_is_refused_with_what_it_holds(batch: Any, name: Any, words: str) -> None:
    with pytest.raises(UsageError, match=f"Batch 7 has {words}"):
        parted(batch, (name, name))


def test_a_function_that_fails_or_returns_no_pair_is_refused_with_its_batch() -> None:
    def fails(batch: Any) -> tuple[Tensor, Tensor]:
        raise KeyError("angle")

    with pytest.raises(UsageError, match=r"failed on batch 7 \(\(2, 3\)\) with KeyError: 'angle'\.") as caught:
        parted([X], fails)
    assert isinstance(caught.value.__cause__, KeyError)
    for made, words in ((X, "a Tensor for"), ((X, Y, Y), "a tuple of 3 for"), ({"x": X, "y": Y}, "a dict for")):
        with pytest.raises(UsageError, match=f"returned {words} batch 7; it must return"):
            parted([X], lambda batch, made=made: made)


@pytest.mark.parametrize(
    ("batch", "words"),
    [
        (X, ""),
        ([], ""),
        ([X, "a", 3], " ((2, 3), str, int)"),
        ({"x": X, "id": "a"}, " (x (2, 3), id str)"),
        ([0] * 10, f" ({', '.join(['int'] * 8)} and 2 more)"),
    ],
)
def test_what_a_batch_holds_is_told_by_names_and_shapes(batch: Any, words: str) -> None:
    assert contents(batch) == words
