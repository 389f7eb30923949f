import functools

import numpy as np
import pytest
import torch
from torch import nn

from deepnrc.table import plain


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (0.5, 0.5),
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.arange(2), [0, 1]),
        (torch.tensor(3), 3),
        (torch.float16, "torch.float16"),
        (torch.device("cuda", 1), "cuda:1"),
        (nn.Linear, "Linear"),
        (plain, "plain"),
        (functools.partial(plain, value=3), "partial"),
        (object(), "object"),
        ({1: (nn.Conv2d, {"b", "a"})}, {"1": ["Conv2d", ["a", "b"]]}),
    ],
)
def test_plain_values(value: object, expected: object) -> None:
    assert plain(value) == expected
    assert type(plain(value)) is type(expected)


def test_a_class_of_arrays_is_named_and_a_tensor_of_another_class_is_its_values() -> None:
    assert plain(np.ndarray) == "ndarray"
    assert plain(torch.Tensor) == "Tensor"
    assert plain(nn.Parameter(torch.ones(2))) == [1.0, 1.0]
