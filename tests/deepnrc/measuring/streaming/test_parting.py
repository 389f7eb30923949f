import pytest

from deepnrc.errors import UsageError
from deepnrc.measuring.streaming.parting import Parting, check_fits, least, parted

SIZES = {"a": 3, "b": 3, "c": 9, "d": 1}


@pytest.mark.parametrize("memory", [1, 3, 6, 10, 16])
def test_parts_hold_all_layers_in_order_and_no_more_than_fits(memory):
    parts = parted(SIZES, memory)
    assert [key for part in parts for key in part] == list(SIZES)
    for part, following in zip(parts, [*parts[1:], None], strict=True):
        total = sum(SIZES[key] for key in part)
        assert total <= memory or len(part) == 1
        assert following is None or total + SIZES[following[0]] > memory


def test_a_plan_goes_from_part_to_part():
    found = Parting(6)
    found.plan(SIZES, "c")
    assert (found.host, found.here, found.only, found.more) == ("c", ["a", "b"], {"a", "b"}, True)
    assert found.depths == {"a": 0, "b": 1, "c": 2, "d": 3}
    found.number = 2
    assert (found.here, found.more) == (["d"], False)


@pytest.mark.parametrize("top", [None, "elsewhere"])
def test_without_a_memory_all_are_read_at_once_and_the_last_stands_for_the_network(top):
    found = Parting()
    found.plan(SIZES, top)
    assert (found.here, found.only, found.more, found.host) == (list(SIZES), None, False, "d")


def test_a_layer_that_does_not_fit_is_refused_where_the_memory_was_named():
    Parting(6).plan(SIZES, None)
    with pytest.raises(UsageError, match="layer 'c' alone take 9 B, more than memory = 6 B"):
        Parting(6, named=True).plan(SIZES, None)
    check_fits(SIZES, 9)


@pytest.mark.parametrize(
    "beside", [{}, {"sketch": 900}, {"held_out": True}, {"grouped": True}, {"memory": 100_000}, {"d": 200}]
)
def test_a_sketch_is_advised_where_it_may_be_taken_and_helps(beside):
    given = {"memory": 5_000_000 if "d" not in beside else 100_000} | beside
    d = given.pop("d", 1000)
    with pytest.raises(UsageError) as error:
        Parting(named=True, **given).plan({"a": 8 * d * d}, None)
    assert ("keep random directions of it with sketch=256" in str(error.value)) is (not beside)


def test_all_processes_take_the_least():
    assert (least([5, None, 3]), least([None])) == (3, None)
