"""Processes that probe together: every one returns what one process would of all samples."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch
from pandas.testing import assert_frame_equal
from torch import nn

import deepnrc
from deepnrc.errors import DataError, UsageError
from deepnrc.measuring.streaming.distributed import Ranks, sharded

ROOT = Path(__file__).parents[4]
WORK = """
import json, os, pathlib, sys, warnings
import torch, deepnrc
from torch import distributed, nn

def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 9), nn.ReLU(), nn.Linear(9, 3))

def samples(N, classes):
    g = torch.Generator().manual_seed(1)
    X = torch.randn(N, 6, generator=g)
    return X, torch.randint(3, (N,), generator=g) if classes else torch.randn(N, 3, generator=g)

def batches(X, Y, size=8):
    return list(zip(X.split(size), Y.split(size)))

def measured(case, shard):
    X, Y = samples(100, case.get("classes", False))
    loader = shard(batches(X, Y)) if case.get("how", "even") == "even" else case_loader(case, X, Y)
    held = shard(batches(*samples(50, case.get("classes", False)))) if case.get("held_out") else None
    options = {"held_out": held} if held is not None else {}
    if case.get("groups"):
        options["groups"] = case["groups"]
    if case.get("sketch"):
        options["sketch"] = case["sketch"]
    if case.get("checkpoints"):
        return checkpoints(loader, case["checkpoints"])
    net = network()
    if case.get("sharded") and distributed.is_initialized():
        from torch.distributed.fsdp import fully_shard
        mesh = distributed.device_mesh.init_device_mesh("cpu", (distributed.get_world_size(),))
        for part in (net[0], net[2], net):
            fully_shard(part, mesh=mesh)
    return deepnrc.probe(net, loader, probes=case.get("probes"), run="r", progress=False, **options)

class Changing:
    def __init__(self, batches):
        self.batches, self.seen = batches, 0
    def __iter__(self):
        self.seen += 1
        odd = self.seen == 2 and distributed.get_rank() == 1
        return iter([(x + odd, y) for x, y in self.batches])

def checkpoints(loader, name):
    folder, rank = f"{sys.argv[1]}/{name}", distributed.get_rank()
    if rank == 0:
        os.makedirs(folder)
        for step in (1, 2):
            torch.save(network().state_dict(), f"{folder}/{step}.pt")
        pathlib.Path(f"{folder}/3.pt").write_text("no weights")
        deepnrc.probe_checkpoints(network(), [f"{folder}/2.pt"], batches(*samples(100, False)), folder=f"{folder}/out",
                                  probes=["deep.cka"], run="r", distributed=False) if name == "other" else None
    distributed.barrier()
    return deepnrc.probe_checkpoints(network(), f"{folder}/*.pt", loader, folder=f"{folder}/out", probes=["deep.cka"],
                                     run="r", progress=False)

def case_loader(case, X, Y):
    rank, count = distributed.get_rank(), distributed.get_world_size()
    if case["how"] == "same":
        return batches(X, Y)
    if case["how"] == "padded":
        order = torch.arange(100 + (-100) % count) % 100
        mine = order[rank::count]
        return batches(X[mine], Y[mine])
    if case["how"] == "fails later":
        def failing():
            for place, batch in enumerate(deepnrc.shard(batches(X, Y))):
                if rank == 1 and place == 2:
                    raise ValueError("sample 9 is odd")
                yield batch
        return failing()
    if case["how"] == "fails":
        def failing():
            yield X[:8], Y[:8]
            if rank == 1:
                raise ValueError("sample 9 is odd")
        return failing()
    if case["how"] == "changes":
        return Changing(deepnrc.shard(batches(X, Y)))
    if case["how"] == "none":
        return batches(X, Y) if rank == 0 else []
    raise AssertionError(case)

if __name__ == "__main__":
    distributed.init_process_group("gloo")
    out, cases = sys.argv[1], json.loads(sys.argv[2])
    for name, case in cases.items():
        said = {}
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                report = measured(case, deepnrc.shard)
                report.table.to_parquet(f"{out}/{name}.{distributed.get_rank()}.parquet")
                said["fingerprint"] = report.provenance[0]["data"]["fingerprint"]
                said["samples"] = report.provenance[0]["samples"]
            except Exception as error:
                said["error"] = f"{type(error).__name__}: {error}"
        said["warnings"] = [str(w.message) for w in caught]
        with open(f"{out}/{name}.{distributed.get_rank()}.json", "w") as file:
            json.dump(said, file)
        distributed.barrier()
"""
CASES = {
    "regression": {},
    "classes": {"classes": True, "probes": ["nc.*", "deep.*", "nrc.*"]},
    "held out, groups, two passes": {"held_out": True, "groups": 4, "probes": ["deep.*", "nrc.*", "nrc.1_centred"]},
    "sketch": {"sketch": 4, "probes": ["deep.*", "nrc.*", "model.mse"]},
    "same": {"how": "same"},
    "padded": {"how": "padded"},
    "fails": {"how": "fails"},
    "none": {"how": "none"},
    "changes": {"how": "changes", "probes": ["nrc.1_centred"]},
    "sharded": {"sharded": True, "probes": ["deep.noise_fraction", "deep.cka", "model.mse", "nrc.1_centred", "nrc.2"]},
    "sharded fails": {"sharded": True, "how": "fails later"},
    "files": {"checkpoints": "files"},
    "other": {"checkpoints": "other"},
}


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.fixture(scope="module", params=[2, 3])
def together(request, tmp_path_factory):
    """All cases on so many processes: where they are, and how many."""
    folder = tmp_path_factory.mktemp(f"ranks{request.param}")
    (folder / "work.py").write_text(WORK)
    port, started = str(free_port()), []
    cases = {name: case for name, case in CASES.items() if request.param == 2 or "sharded" not in case}
    for rank in range(request.param):
        told = {"RANK": str(rank), "WORLD_SIZE": str(request.param), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        environment = os.environ | told | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
        command = [sys.executable, str(folder / "work.py"), str(folder), json.dumps(cases)]
        started.append(subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True))
    for process in started:
        _, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
    return folder, request.param


@pytest.fixture(scope="module")
def alone():
    """What work.py defines."""
    found = {"__name__": "work"}
    exec(WORK, found)
    return found


def said(together, name):
    folder, count = together
    if count > 2 and "sharded" in CASES[name]:
        pytest.skip("dear, and run by two")
    return [json.loads((folder / f"{name}.{rank}.json").read_text()) for rank in range(count)]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["regression", "classes", "held out, groups, two passes", "sketch", "sharded"])
def test_every_rank_returns_what_one_process_would(together, alone, name):
    (folder, count), told = together, said(together, name)
    tables = [pd.read_parquet(folder / f"{name}.{rank}.parquet") for rank in range(count)]
    assert [one["warnings"] for one in told] == [[]] * count
    assert {one["samples"] for one in told} == {100}
    for table in tables[1:]:
        assert_frame_equal(table, tables[0], check_exact=True)
    if "groups" in name:  # which samples a group holds differs with who sees them
        tables[0] = tables[0].drop(columns=["corrected", "low", "high", "note"])
    tables[0]["kind"] = tables[0]["kind"].str.removeprefix("FSDP")
    whole = alone["measured"](CASES[name], lambda loader: loader).table[tables[0].columns]
    drawn = ["chance", "chance_high"]  # roots of what rounding leaves of 0 are 1e-9
    assert_frame_equal(tables[0][drawn], whole[drawn], check_exact=False, rtol=1e-6, atol=1e-8)
    tables[0], whole = tables[0].drop(columns=drawn), whole.drop(columns=drawn)
    assert_frame_equal(tables[0], whole, check_exact=False, rtol=1e-11, atol=1e-13)


@pytest.mark.slow
def test_what_would_count_twice_is_told(together):
    count = together[1]
    for one in said(together, "same"):
        assert f"All {count} ranks saw the same 100 samples" in one["error"]
    for one in said(together, "padded"):
        twice = (-100) % count
        assert [w.partition(" samples")[0] for w in one["warnings"]] == (
            [f"{twice} of the {100 + twice}"] if twice else []
        )


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fails", "sharded fails"])
def test_no_rank_waits_for_one_that_failed(together, name):
    own, other = said(together, name)[1]["error"], said(together, name)[0]["error"]
    assert own == "ValueError: sample 9 is odd"
    assert other == "DataError: Rank 1 failed, and the others stop with it. ValueError: sample 9 is odd"
    assert "Rank 1 failed" in said(together, "none")[0]["error"]


@pytest.mark.slow
def test_a_second_pass_that_one_rank_sees_otherwise_ends_all(together):
    for rank, one in enumerate(said(together, "changes")):
        own = "UsageError: The second pass saw other data" if rank == 1 else "DataError: Rank 1 failed"
        assert one["error"].startswith(own)


@pytest.mark.slow
def test_checkpoints_are_probed_together_and_kept_by_the_first(together):
    folder, _ = together
    for one in said(together, "files"):
        assert one["samples"] == 100
        assert [w.startswith("The checkpoint 3.pt is passed over.") for w in one["warnings"]] == [True]
    assert deepnrc.load(folder / "files" / "out").steps == [1, 2]
    tables = [pd.read_parquet(folder / f"files.{rank}.parquet") for rank in range(2)]
    assert_frame_equal(tables[0], tables[1], check_exact=True)


@pytest.mark.slow
def test_a_folder_that_the_first_rank_refuses_ends_all(together):
    for rank, one in enumerate(said(together, "other")):
        own = "UsageError: '" if rank == 0 else "DataError: Rank 0 failed"
        assert one["error"].startswith(own)


def test_one_process_has_nothing_to_merge():
    assert Ranks.of("auto").count == Ranks.of(False).count == 1
    assert Ranks().check_samples() == ""
    assert Ranks().told("me") == ["me"]
    with pytest.raises(DataError, match="mine"):
        Ranks().settle(DataError("mine"))


@pytest.mark.parametrize(
    ("asked", "words"), [(True, "no process group"), ("yes", "'auto', True or False; it is 'yes'")]
)
def test_refusals(asked, words):
    with pytest.raises(UsageError, match=words):
        deepnrc.probe(nn.Linear(3, 2), (torch.randn(9, 3), torch.randn(9, 2)), distributed=asked)


def test_one_process_goes_on_while_it_has_batches():
    assert list(Ranks().in_step([1, 2])) == [1, 2]
    assert not sharded(nn.Sequential(nn.Linear(2, 2)))


def test_checksums_tell_rows_apart():
    ranks, rows = Ranks(2), torch.randn(50, 7)
    ranks.note([rows, rows[:, :2].half()], 50)
    ranks.note([rows[:3], rows[:3, :2].half()], 3)
    assert len(ranks.seen[0].unique()) == 50
    assert torch.equal(ranks.seen[1], ranks.seen[0][:3])
