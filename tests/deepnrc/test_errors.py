import pytest

from deepnrc.errors import DataError, DeepNRCError, UsageError


@pytest.mark.parametrize(("kind", "code"), [(DeepNRCError, 2), (UsageError, 2), (DataError, 3)])
def test_each_error_knows_the_exit_code_of_the_command(kind: type[DeepNRCError], code: int) -> None:
    assert kind("a sentence").exit_code == code
    assert str(kind("a sentence")) == "a sentence"


@pytest.mark.parametrize("kind", [UsageError, DataError])
def test_both_edges_can_be_caught_as_one_or_as_value_errors(kind: type[DeepNRCError]) -> None:
    assert issubclass(kind, DeepNRCError)
    assert issubclass(kind, ValueError)
