import pytest

from deepnrc.data.sources.columns import are_numbers, numbered
from deepnrc.errors import UsageError


@pytest.mark.parametrize(
    ("targets", "numbers"),
    [
        ("8,9", True),
        (["-2", "-1"], True),
        (["-2, -1"], True),
        ("a,1", False),
        ("1.5", False),
        ([], False),
        (None, False),
    ],
)
def test_whether_all_columns_are_given_by_number(targets: list[str] | str | None, numbers: bool) -> None:
    assert are_numbers(targets) is numbers


def test_numbers_and_names_choose_in_the_order_given() -> None:
    assert numbered("-1, speed,0", 28, "frames", {"speed": 10}) == [27, 10, 0]


@pytest.mark.parametrize(
    ("targets", "words"),
    [
        ("sped", r"no target column 'sped' in 'frames'\. Did you mean 'speed'\? .* from 0 to 27 or names: 'speed'\."),
        ("28", r"'frames' has 28 columns, numbered from 0; there is no column 28"),
        ("speed,10", r"A target column is named twice: 'speed', '10'"),
    ],
)
def test_columns_that_are_not_there_are_refused(targets: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        numbered(targets, 28, "frames", {"speed": 10})
