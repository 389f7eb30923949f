import pickle

import pytest

import deepnrc
from deepnrc.errors import DataError, DeepNRCError, Origin, UsageError, mark, origin
from deepnrc.wording import Argument, Given, OneOf, Remedy


@pytest.mark.parametrize(("kind", "code"), [(DeepNRCError, 2), (UsageError, 2), (DataError, 3)])
def test_each_error_knows_the_exit_code_of_the_command(kind: type[DeepNRCError], code: int) -> None:
    assert kind("a sentence").exit_code == code
    assert str(kind("a sentence")) == "a sentence"


@pytest.mark.parametrize("kind", [UsageError, DataError])
def test_both_edges_can_be_caught_as_one_or_as_value_errors(kind: type[DeepNRCError]) -> None:
    assert issubclass(kind, DeepNRCError)
    assert issubclass(kind, ValueError)


REPEATED = UsageError(
    "Layer 'fc' runs more than once. Choose with ",
    OneOf("repeats", ("first", "last", "each")),
    ", or leave it out with ",
    Remedy("layers", ["!fc"]),
    ".",
)
NARROW = DataError(Given("rank", 3), " exceeds the width. Choose ", Argument("rank"), " between 1 and 2.")


def test_an_error_carries_what_it_is_about_as_fields() -> None:
    assert (REPEATED.argument, REPEATED.value) == ("repeats", None)
    assert REPEATED.choices == ("first", "last", "each")
    assert REPEATED.remedy == {"layers": ["!fc"]}
    assert (NARROW.argument, NARROW.value, NARROW.choices, NARROW.remedy) == ("rank", 3, (), {})
    plain = UsageError("a sentence")
    assert (plain.argument, plain.value, plain.choices, plain.remedy) == (None, None, (), {})
    assert UsageError("pass ", Remedy("checkpoint")).argument == "checkpoint"


def test_the_library_and_the_command_line_each_say_it_in_their_own_words() -> None:
    assert str(REPEATED) == (
        "Layer 'fc' runs more than once. Choose with repeats='first', 'last' or 'each', or leave it out with "
        "layers=['!fc']."
    )
    assert REPEATED.told({"repeats": "--repeats", "layers": "--layers"}) == (
        "Layer 'fc' runs more than once. Choose with --repeats first, last or each, or leave it out with "
        "--layers '!fc'."
    )


def test_an_error_from_another_process_keeps_its_fields() -> None:
    copy = pickle.loads(pickle.dumps(NARROW))
    assert (type(copy), str(copy), copy.argument, copy.value) == (DataError, str(NARROW), "rank", 3)


def test_a_refusal_met_in_use_can_be_read() -> None:
    import torch

    data = (torch.ones(4, 3), torch.zeros(4, 2))
    with pytest.raises(UsageError) as caught:
        deepnrc.probe(torch.nn.Linear(3, 2), data, repeats="twice")
    assert (caught.value.argument, caught.value.value) == ("repeats", "twice")


def test_the_mark_nearest_to_a_foreign_error_stays_and_refusals_get_none() -> None:
    error = KeyError("k")
    assert origin(error) is None
    mark(error, "reading", "the input of layer 'a'")
    mark(error, "network", "in layer 'b'")
    assert origin(error) == Origin("reading", "the input of layer 'a'")
    refusal = UsageError("no")
    mark(refusal, "data")
    assert origin(refusal) is None
