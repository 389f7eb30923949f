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
    monkeypatch.setattr(memory, "_granted", lambda: None)
    for allowed, expected in ((None, 10), (7, 7), (12, 10)):
        monkeypatch.setattr(memory, "_allowed", lambda allowed=allowed: allowed)
        assert memory.free_memory(torch.device("cpu")) == expected
    assert memory.free_memory(torch.device("meta")) is None


def control_group(folder, limit, used, files, names=memory.SECOND_VERSION):
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in zip(names, (limit, used), strict=False):
        (folder / name).write_text(f"{value}\n")
    (folder / "memory.stat").write_text(f"anon 5\n{names[2]} {files}\n")


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"": (1000, 400, 100), "job": (500, 300, 50)}, 250),  # the job's own, files given back
        ({"": (1000, 900, 0), "job": ("max", 300, 50)}, 100),  # that of what is around it
        ({"": (1000, 1200, 50), "job": (9000, 300, 50)}, 0),
        ({"job": ("max", 300, 50)}, None),
        ({"": (1000, 400, 100)}, 700),  # a container sees its own group as the root
        ({}, None),
    ],
)
@pytest.mark.parametrize("first", [False, True])
def test_a_containers_limit_is_known(tmp_path, limits, expected, first):
    names, root = (memory.FIRST_VERSION, tmp_path / "memory") if first else (memory.SECOND_VERSION, tmp_path)
    for name, (limit, used, files) in limits.items():
        control_group(root / name, 2**62 if first and limit == "max" else limit, used, files, names)
    own = tmp_path / "own"
    own.write_text("4:cpu,cpuacct:/job\n3:memory:/job\n" if first else "0::/job\n")
    assert memory._granted(own, tmp_path) == expected


def test_without_control_groups_nothing_is_known(tmp_path):
    assert memory._granted(tmp_path / "none", tmp_path) is None
