import pytest

from probes import DegenerateError, NotDefinedError, defined


def refused(error):
    raise error


def test_what_is_defined_is_given_back_as_it_is():
    for value in (0.0, None, False, "x"):
        assert defined(lambda value=value: value) is value


@pytest.mark.parametrize("error", [NotDefinedError("none"), DegenerateError("flat")])
def test_what_is_not_is_none(error):
    assert defined(lambda: refused(error)) is None


def test_other_errors_pass():
    with pytest.raises(ValueError, match="mine"):
        defined(lambda: refused(ValueError("mine")))
