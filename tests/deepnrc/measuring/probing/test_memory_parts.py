"""Layers whose statistics do not fit are read in further passes, to the same values."""

import pytest
import torch
from pandas.testing import assert_frame_equal
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import deepnrc
from deepnrc.errors import UsageError

G = torch.Generator().manual_seed(0)
X, Y, C = torch.randn(60, 6, generator=G), torch.randn(60, 3, generator=G), torch.randint(3, (60,), generator=G)
BATCHES = list(zip(X.split(16), Y.split(16), strict=True))


def network():
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(6, 9), nn.ReLU(), nn.Linear(9, 8), nn.ReLU(), nn.Linear(8, 7), nn.Linear(7, 3))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"probes": ["nrc.1_centred", "deep.*", "model.*"], "held_out": (X[:20] + 1, Y[:20])},
        {"groups": 3, "loader": list(zip(X.split(16), C.split(16), strict=True)), "probes": ["nc.*", "deep.cka"]},
        {"layers": ["*", "!5"], "probes": ["deep.cka", "model.mse", "nrc.1"]},
    ],
    ids=["default", "second pass and held out", "classes in groups", "no top layer"],
)
def test_as_many_passes_as_it_takes_change_no_value(options):
    options = {"loader": BATCHES, "progress": False, **options}
    whole = deepnrc.probe(network(), **options)
    parts = deepnrc.probe(network(), memory=12_000 if "groups" in options else 3000, **options)
    assert_frame_equal(parts.table, whole.table, rtol=1e-12)
    assert_frame_equal(parts.spectra, whole.spectra, rtol=1e-12)
    assert parts.provenance[0]["samples"] == whole.provenance[0]["samples"]
    assert parts.provenance[0]["data"] == whole.provenance[0]["data"]


def test_the_data_is_read_once_for_each_part():
    read = []

    class Counted(list):
        def __iter__(self):
            read.append(1)
            return super().__iter__()

    for memory, passes in (("1GB", 1), (3000, 2), (1200, 4)):
        read.clear()
        deepnrc.probe(network(), Counted(BATCHES), probes=["deep.cka"], memory=memory, progress=False)
        assert len(read) == passes


def test_by_itself_half_of_what_is_free_is_taken(monkeypatch):
    monkeypatch.setattr("deepnrc.measuring.streaming.memory.free_memory", lambda device: 4000)
    found = deepnrc.probe(network(), BATCHES, probes=["deep.cka"], progress=False)
    assert found.wide().index.get_level_values("layer").tolist() == ["0", "2", "4", "5"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"memory": 500}, r"layer '2' alone take 1 kB, more than memory = 500 B.*pool='mean'.*layers=\['!2'\]"),
        ({"memory": "much"}, "memory is a size such as '4GB', or a number of bytes; it is 'much'"),
        ({"memory": 0}, "a size such as '4GB'"),
        ({"memory": True}, "a size such as '4GB'"),
        ({"memory": 1200, "loader": iter(BATCHES)}, "in 4 parts, and an iterator gives its data once"),
        ({"memory": 1200, "loader": DataLoader(TensorDataset(X, Y), 16, shuffle=True)}, "no shuffling"),
    ],
)
def test_refusals(options, said):
    with pytest.raises(UsageError, match=said):
        deepnrc.probe(network(), **{"loader": BATCHES, "probes": ["deep.cka"], "progress": False, **options})
