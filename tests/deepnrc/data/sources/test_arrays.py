from typing import Any

import numpy as np
import pytest
import torch

from deepnrc.data.sources.arrays import labels, paired
from deepnrc.errors import DataError

X = np.arange(6.0).reshape(3, 2)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int64"])
def test_a_vector_of_whole_numbers_is_classes(dtype: str) -> None:
    found = labels(np.array([0, 1, 1], dtype), "a")
    assert (found.dtype, found.tolist()) == (torch.int64, [0, 1, 1])


@pytest.mark.parametrize(
    ("dtype", "own"),
    [("float16", "float16"), ("float32", "float32"), ("float64", "float64"), ("int16", "float64"), ("bool", "float64")],
)
def test_a_matrix_is_values_in_a_precision_that_holds_them(dtype: str, own: str) -> None:
    found = labels(np.ones((3, 1), dtype), "a")
    assert (found.dtype, found.shape) == (getattr(torch, own), (3, 1))


def test_a_vector_of_true_and_false_is_classes_and_said() -> None:
    with pytest.warns(UserWarning, match="The y of 'a' holds true and false, which are read as the classes 1 and 0"):
        found = labels(np.array([False, True, True]), "a")
    assert (found.dtype, found.tolist()) == (torch.int64, [0, 1, 1])


STAMPS = 1.6e9 + np.array([0.0, 7, 31, 60])


@pytest.mark.parametrize("column", [STAMPS, STAMPS * 1000, (STAMPS * 1e9).astype(np.int64), -STAMPS])
def test_numbers_that_float32_makes_one_are_refused_by_the_column_s_name(column: Any) -> None:
    x = np.stack([np.arange(4), column], 1)
    with pytest.raises(
        DataError,
        match=r"column '1' of 'a' holds .* so large that they differ by no more than one step",
    ):
        paired(x, np.ones(4), torch.float32, "a")
    with pytest.raises(DataError, match=r"'t' of 'a' .* in float32\. Leave it out \(drop, or --drop t\), or subtract"):
        paired(x, np.ones(4), torch.float32, "a", names=["n", "t"])
    assert len(paired(x, np.ones(4), torch.float64, "a")) == 4


def test_numbers_that_float32_hardly_tells_apart_are_warned_of() -> None:
    x = np.stack([np.arange(4), 1.6e9 + np.array([0, 700, 3100, 3600])], 1)
    with pytest.warns(UserWarning, match="column '1' of 'a' holds numbers .* differ by no more than 100 steps"):
        paired(x, np.ones(4), torch.float32, "a")


@pytest.mark.parametrize("column", [[5.0] * 4, [1e9, -1e9, 0, 3], [2000, 2001, 2002, 2003], [True, False, True, True]])
def test_other_columns_are_not(column: Any) -> None:
    assert len(paired(np.array(column)[:, None], np.ones(4), torch.float32, "a")) == 4


def test_a_vector_of_floats_is_one_column_even_of_whole_numbers() -> None:
    assert labels(np.array([0.0, 1.0]), "a").tolist() == [[0.0], [1.0]]


def test_no_digit_of_a_target_is_lost() -> None:
    exact = np.array([[1 / 3], [2.0**40 + 1]])
    assert labels(exact, "a").numpy().tolist() == exact.tolist()
    assert paired(X[:2], exact, torch.float32, "a")[1][1].item() == exact[1, 0]


def test_inputs_are_in_the_dtype_asked_for_beside_their_targets() -> None:
    samples = paired(X, np.array([2, 0, 1]), torch.float16, "a")
    assert len(samples) == 3
    assert samples[1][0].dtype == torch.float16
    assert samples[1][0].tolist() == [2.0, 3.0]
    assert [int(samples[i][1]) for i in range(3)] == [2, 0, 1]


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (np.array(["a", "b"]), "The y of 'a' holds <U1, not numbers"),
        (np.array([1 + 2j]), "holds complex128, not numbers"),
        (np.array([None]), "holds object, not numbers"),
        (
            np.array(["2020-01-01"], "datetime64[D]"),
            r"not numbers. Save times as floats, such as seconds from the first: \(t - t\[0\]\) /",
        ),
        (np.ones((2, 1, 1)), r"'a' holds targets \(2, 1, 1\); they must be \(N, n\), or \(N,\) for classes"),
        (np.float64(1.0), r"'a' holds targets \(\)"),
        (np.array([0, -1]), "The classes of 'a' include -1; number them from 0. If these are values to predict, save"),
        (
            np.array([0, 2**63], np.uint64),
            "include 9223372036854775808, which is no number of a class",
        ),
        (np.array([[1.0], [np.nan], [np.inf]]), "The y of 'a' holds 2 of 3 values that are NaN, infinite or too large"),
    ],
)
def test_targets_that_are_none_are_refused(y: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        labels(np.asarray(y), "a")


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        (X[:, 0], np.ones(3), r"x \(3,\) and y \(3,\); x must be .* Reshape a single feature to \(N, 1\)"),
        (X, np.ones(2), r"x \(3, 2\) and y \(2,\); there must be as many targets as inputs"),
        (X[:0], np.ones(0), "and some of each"),
        (X[:, :0], np.ones(3), "and some of each"),
        (X, np.ones((3, 0)), "and some of each"),
        (X.astype(str), np.ones(3), "The x of 'a' holds <U32, not numbers"),
        (X * 1e60, np.ones(3), "The x of 'a' holds 5 of 6 values that are .* too large for torch.float32"),
    ],
)
def test_inputs_that_have_no_such_targets_are_refused(x: Any, y: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        paired(x, y, torch.float32, "a")


def test_what_overflows_in_half_precision_is_seen() -> None:
    assert paired(X * 1e4, np.ones(3), torch.float32, "a")[2][0].tolist() == [4e4, 5e4]
    with pytest.raises(DataError, match=r"holds 1 of 6 values .* torch.float16"):
        paired(X * 1.4e4, np.ones(3), torch.float16, "a")
