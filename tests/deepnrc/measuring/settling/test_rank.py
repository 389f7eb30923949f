"""The signal rank k as users set it."""

import numpy as np
import pytest

from deepnrc.errors import UsageError
from deepnrc.measuring.settling.rank import as_rank, check_rank


@pytest.mark.parametrize("rank", [1, 5, np.int64(5), np.uint8(5)])
def test_any_whole_number_from_1_is_a_rank(rank):
    assert as_rank(rank) == rank
    assert type(as_rank(rank)) is int


@pytest.mark.parametrize("rank", [0, -1, True, 2.5, "3", float("nan")])
def test_anything_else_is_refused(rank):
    with pytest.raises(UsageError, match=r"^rank must be a whole number from 1, or None .*; it is ") as caught:
        as_rank(rank)
    assert (caught.value.argument, caught.value.value) == ("rank", rank)


def test_a_rank_may_be_as_large_as_the_narrowest_layer_and_no_larger():
    widths = {"a": 8, "b": 3, "c": 4}
    check_rank(None, widths)
    check_rank(3, widths)
    with pytest.raises(UsageError, match=r"rank=4 exceeds the width of 'b \(3\)'\. Choose a smaller rank"):
        check_rank(4, widths)
    with pytest.raises(UsageError, match=r"'b \(3\)', 'c \(4\)'"):
        check_rank(5, widths)
