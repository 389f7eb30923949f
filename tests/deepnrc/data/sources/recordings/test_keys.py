from typing import Any

import numpy as np
import pytest

from deepnrc.data.sources.recordings.keys import chosen, flattened, listed, side_by_side
from deepnrc.errors import DataError, UsageError

HELD = {"qpos": np.zeros((4, 3)), "qvel": np.ones(4), "images/top": np.zeros((4, 2, 2))}


def test_nested_arrays_are_called_by_their_paths() -> None:
    tree = {"a": 1, "b": {"c": 2, "d": {"e": 3}}, "empty": {}}
    assert flattened(tree) == {"a": 1, "b/c": 2, "b/d/e": 3}
    assert list(flattened(tree)) == ["a", "b/c", "b/d/e"]


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ("qvel,qpos", ["qvel", "qpos"]),
        (["qvel", "qpos"], ["qvel", "qpos"]),
        ("images/top", ["images/top"]),
    ],
)
def test_those_asked_for_are_taken_in_the_order_given(names: Any, found: list[str]) -> None:
    assert chosen(HELD, names, "observations", "a.h5") == found


def test_the_only_one_need_not_be_named() -> None:
    assert chosen({"obs": HELD["qpos"]}, None, "observations", "a.h5") == ["obs"]


@pytest.mark.parametrize("names", [None, "", []])
def test_of_several_none_is_taken_for_the_user(names: Any) -> None:
    with pytest.raises(UsageError) as caught:
        chosen(HELD, names, "observations", "a.h5")
    told = caught.value.told({"observations": "--observations"})
    assert told.startswith("'a.h5' holds several observations: 'qpos' (4, 3), 'qvel' (4,), 'images/top' (4, 2, 2).")
    assert "Choose with --observations qpos; several are put side by side." in told


def test_those_that_are_not_there_are_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"no actions 'qpo' in 'a'\. Did you mean 'qpos'.* It holds 'qpos' \(4, 3\), "):
        chosen(HELD, "qvel,qpo", "actions", "a")


def test_a_recording_without_any_is_refused() -> None:
    with pytest.raises(UsageError, match=r"There are no actions 'x' in 'a'\. It holds none\."):
        chosen({}, "x", "actions", "a")
    assert listed({}) == "none"
    assert listed({"x": 3}) == "'x' ()"


def test_one_array_stays_as_it_is_and_several_stand_side_by_side() -> None:
    image = HELD["images/top"]
    assert side_by_side([image], ["images/top"], "a") is image
    both = side_by_side([HELD["qvel"], HELD["qpos"]], ["qvel", "qpos"], "a")
    assert both.tolist() == [[1, 0, 0, 0]] * 4


@pytest.mark.parametrize("other", [np.zeros((4, 2, 2)), np.zeros((3, 2)), np.zeros(())])
def test_what_is_not_one_vector_a_step_does_not_stand_beside_another(other: Any) -> None:
    for arrays in ([HELD["qpos"], other], [other, HELD["qpos"]]):
        with pytest.raises(DataError, match=r"'[pq]' .* cannot be put side by side: they are not one vector for each"):
            side_by_side(arrays, ["p", "q"], "a")


def test_the_key_that_is_put_forward_can_be_read() -> None:
    held = {"images/top": np.zeros((4, 2, 2)), "packed": np.zeros((4, 9), np.uint8), "qpos": np.zeros((4, 3))}
    with pytest.raises(UsageError, match=r"Choose with observations='qpos'; several"):
        chosen(held, None, "observations", "a.h5")
    with pytest.raises(UsageError, match=r"Choose with observations; several|observations=\.\.\."):
        chosen({name: held[name] for name in ("images/top", "packed")}, None, "observations", "a.h5")
