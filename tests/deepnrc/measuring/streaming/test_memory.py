import pytest
import torch

from deepnrc.errors import UsageError
from deepnrc.measuring.streaming import memory


@pytest.mark.parametrize(("widths", "fits"), [({"a": 99}, True), ({"a": 99, "b": 99}, False), ({"a": 200}, False)])
def test_statistics_that_do_not_fit_are_refused_before_any_memory_is_taken(monkeypatch, widths, fits):
    monkeypatch.setattr(memory, "free_memory", lambda device: 100_000)
    if fits:
        memory.check_memory(widths, 1, torch.device("cpu"))
    else:
        with pytest.raises(UsageError, match=r"layer 'a' alone, \d+ wide, takes .*pool='mean'.*layers=\['!a'\]"):
            memory.check_memory(widths, 1, torch.device("cpu"))


@pytest.mark.parametrize(
    ("beside", "advised"),
    [({}, True), ({"sketch": 900}, False), ({"groups": 2}, False), ({"free": 1e5}, False), ({"d": 200}, False)],
)
def test_a_sketch_is_advised_where_it_may_be_taken_and_helps(monkeypatch, beside, advised):
    given = {"free": 5e6, "d": 1000} | beside
    free, d = given.pop("free"), given.pop("d")
    monkeypatch.setattr(memory, "free_memory", lambda device: free if d == 1000 else 1e5)
    with pytest.raises(UsageError) as error:
        memory.check_memory({"a": d}, 1, torch.device("cpu"), **given)
    assert ("keep random directions of it with sketch=256, or leave it out" in str(error.value)) is advised


def test_classes_take_their_means_and_no_columns(monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda device: 9_000_000)
    memory.check_memory({"a": 100}, 10_000, torch.device("cpu"), classes=True)
    with pytest.raises(UsageError, match="layer 'a' alone"):
        memory.check_memory({"a": 100}, 10_000, torch.device("cpu"))


def test_free_memory_is_what_system_and_process_allow(monkeypatch):
    monkeypatch.setattr(memory, "_available", lambda: 10)
    for allowed, expected in ((None, 10), (7, 7), (12, 10)):
        monkeypatch.setattr(memory, "_allowed", lambda allowed=allowed: allowed)
        assert memory.free_memory(torch.device("cpu")) == expected
    assert memory.free_memory(torch.device("meta")) is None
