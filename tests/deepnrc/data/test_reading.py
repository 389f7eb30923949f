import warnings
from collections import UserDict
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

import deepnrc
from deepnrc.data.batches import call, pairs
from deepnrc.data.reading import Reader
from deepnrc.errors import UsageError

CPU = torch.device("cpu")
X, Y = torch.arange(20.0).reshape(10, 2), torch.arange(10.0)[:, None]


class Images(nn.Module):
    """Takes a list of pictures, as detection networks do."""

    def __init__(self):
        super().__init__()
        self.last = nn.Linear(3, 2)

    def forward(self, images):
        return self.last(torch.stack([image.mean((1, 2)) for image in images]))


class Text(nn.Module):
    def forward(self, input_ids, attention_mask=None):
        return input_ids


class Two(nn.Module):
    def forward(self, a, b=None):
        return a


class Anything(nn.Module):
    def forward(self, *a, **b):
        return a


class Graph:
    """What torch-geometric's Data has of what is used here."""

    def __init__(self, **parts):
        self.parts = parts

    def __getattr__(self, name):
        if name.startswith("__") or name not in ("edge_index", "y", "x"):
            raise AttributeError(name)
        return self.parts.get(name)

    def __getitem__(self, name):
        return self.parts[name]

    def __copy__(self):
        return Graph(**self.parts)

    def keys(self):
        return list(self.parts)

    def apply(self, function):
        self.parts = {name: function(part) for name, part in self.parts.items()}
        return self


GRAPH = {"x": X, "edge_index": torch.tensor([[0, 1], [1, 2]]), "y": Y}


def test_labels_are_the_target_and_the_rest_goes_by_name():
    for name in ("labels", "label"):
        for kind in (dict, UserDict):
            x, y = Reader(model=Text())(kind({"input_ids": X, "attention_mask": X > 0, name: Y}), 1)
            assert list(x) == ["input_ids", "attention_mask"]
            assert torch.equal(y, Y)


def test_the_one_other_entry_is_the_input_of_a_network_that_calls_it_something_else():
    x, _ = Reader(model=nn.Linear(2, 1))({"pixel_values": X, "label": Y}, 1)
    assert torch.equal(x, X)
    x, _ = Reader(model=Anything())({"pixel_values": X, "label": Y}, 1)
    assert list(x) == ["pixel_values"]


def test_dicts_that_leave_it_open_are_refused():
    for batch, words in [
        ({"labels": Y, "label": Y, "x": X}, r"with both labels and label \(labels \(10, 1\), .*batch="),
        ({"image": X, "speed": X, "labels": Y}, r"'image', 'speed', which the network's forward does not take; it tak"),
        ({"input_ids": X, "idx": X, "labels": Y}, r"'idx', which .* takes 'attention_mask', 'input_ids'\. Say which"),
    ]:
        with pytest.raises(UsageError, match=words):
            Reader(model=Text())(batch, 1)


def test_a_triple_is_read_as_it_is_said():
    for batch, form in [
        ((X, torch.zeros(10), Y), (0, 2)),
        ([X, torch.zeros(10), Y], ("0", "-1")),
        ({"a": X, "b.c": Y}, ("a", "b.c")),
        (SimpleNamespace(a=X, b=SimpleNamespace(c=Y)), ("a", "b.c")),
        ((X, {"steer": Y, "speed": X}), (0, "1.steer")),
        ({"a": {"b.c": X}, "d": [None, Y]}, ("a.b.c", "d.1")),
        ((X, Y, "names"), lambda triple: triple[:2]),
    ]:
        x, y = Reader(form)(batch, 1)
        assert torch.equal(x, X)
        assert torch.equal(y, Y)


def test_several_names_are_positional_arguments_and_targets_side_by_side():
    x, y = Reader((["a", "b"], ["c", "d"]))({"a": X, "b": Y, "c": Y[:, 0], "d": X.double()}, 1)
    assert isinstance(x, tuple)
    assert torch.equal(y, torch.cat([Y, X], 1).double())
    with pytest.raises(UsageError, match=r"The targets of batch 1 have shapes \(10, 1\), \(9, 2\); side by side go"):
        Reader((0, [1, 2]))((X, Y, X[:9]), 1)


@pytest.mark.parametrize(
    ("form", "words"),
    [
        (("image", "steer"), r"Batch 2 has no part 'steer' \(image \(10, 2\), steering \(10, 1\)\)\. Did you mean"),
        (("image", "steering.left"), "Batch 2 has no part 'steering.left'"),
        ((0, 1), "Batch 2 has no part 0 "),
        (lambda batch: batch["y"], r"given as batch failed on batch 2 \(image .* with KeyError: 'y'"),
        (lambda batch: batch["image"], "returned a Tensor of 10 for batch 2|returned a Tensor for batch 2"),
        (lambda batch: (1, 2, 3), "returned a tuple of 3 for batch 2; it must return"),
    ],
)
def test_what_a_batch_does_not_hold_is_refused(form, words):
    with pytest.raises(UsageError, match=words):
        Reader(form)({"image": X, "steering": Y}, 2)


@pytest.mark.parametrize("form", ["image", 3, ("a",), ("a", "b", "c"), (True, 1), (0, []), (0, None), {"a": 1}])
def test_a_form_that_is_none_is_refused(form):
    with pytest.raises(UsageError, match="batch must be a function of a batch that returns"):
        Reader(form)


def test_targets_by_key_are_to_be_chosen():
    with pytest.raises(UsageError, match=r"batch 1 is a dict \(steer \(10, 1\)\)\. .* batch=\(0, '1.steer'"):
        Reader()((X, {"steer": Y}), 1)
    net = nn.Linear(2, 1)
    report = deepnrc.probe(net, [(X, {"steer": Y})], batch=(0, "1.steer"), progress=False)
    same = deepnrc.probe(net, [(X, Y)], progress=False)
    assert report.table["value"].equals(same.table["value"])


def images(count, kind=list):
    generator = torch.Generator().manual_seed(count)
    return kind(torch.rand(3, 4 + index % 2, 4, generator=generator) for index in range(count))


@pytest.mark.parametrize("count", [1, 2, 3, 7])
@pytest.mark.parametrize("kind", [list, tuple])
def test_a_list_of_images_is_one_argument(count, kind):
    data = [(images(count, kind), torch.zeros(count, 2))]
    if kind is tuple and count == 1:  # one positional argument: the picture
        return
    ((x, _, rows),) = pairs(data, CPU, read=Reader(model=Images()))
    assert call(Images(), x).shape == (count, 2)
    assert rows == count
    if count > 1:
        ((x, y, _),) = pairs(data, CPU, 1, Reader(model=Images()))
        assert (len(x[0]), len(y)) == (1, 1)


def test_a_list_of_images_gives_what_the_stacked_images_give():
    torch.manual_seed(0)
    net, data = Images().double(), torch.rand(40, 3, 4, 4, dtype=torch.float64)
    y = torch.randn(40, 2)
    apart = deepnrc.probe(net, [(list(data[:25]), y[:25]), (list(data[25:]), y[25:])], progress=False)
    whole = deepnrc.probe(net, [((data,), y)], progress=False)
    np.testing.assert_allclose(apart.table["value"], whole.table["value"], rtol=1e-9, atol=1e-12)


def test_a_list_of_arguments_stays_one():
    for model in (Two(), Anything(), None):
        assert Reader(model=model)(([X, X > 0], Y), 1)[0][1].dtype == torch.bool
    assert torch.equal(Reader(model=Two())(([X], Y), 1)[0][0], X)
    read = Reader(model=Two())
    read(([X, X], Y), 1)
    assert len(read(([X[:2], X[:2]], Y[:2]), 2)[0]) == 2  # two rows, as many as arguments: known from the first batch


def test_a_list_that_could_be_either_is_refused_and_settled_by_batch():
    two = [torch.rand(2, 3), torch.rand(2, 3)]
    with pytest.raises(UsageError, match=r"a list of 2 for 2 targets: it could be one argument .* Give batch=function"):
        Reader(model=Two())((two, Y[:2]), 1)
    assert Reader(lambda b: ((b[0],), b[1]), Two())((two, Y[:2]), 1)[0] == (two,)
    assert Reader(lambda b: (tuple(b[0]), b[1]), Two())((two, Y[:2]), 1)[0] == tuple(two)


def test_graphs_go_by_the_names_that_forward_knows_or_whole():
    class Parts(nn.Module):
        def forward(self, x, edge_index, edge_weight=None):
            return x

    class Whole(nn.Module):
        def forward(self, batch):
            return batch["x"]

    x, y = Reader(model=Parts())(Graph(**GRAPH), 1)
    assert list(x) == ["x", "edge_index"]
    assert torch.equal(y, Y)
    read = Reader(model=Parts())
    with pytest.warns(UserWarning, match=r"hold 'edge_attr', which .* no argument for, while its 'edge_weight' stays"):
        read(Graph(**GRAPH, edge_attr=X), 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read(Graph(**GRAPH, edge_attr=X), 2)
    for model in (Whole(), nn.Linear(2, 1)):
        read = Reader(model=model)
        graph = Graph(**GRAPH, batch=torch.zeros(10, dtype=torch.long))
        ((x, y, _),) = pairs([graph], CPU, read=read)
        assert isinstance(x, Graph)
        assert x is not graph
        assert x["x"] is not X


@pytest.mark.parametrize(
    ("parts", "model", "words"),
    [
        (GRAPH, Anything(), "the network's forward takes any names"),
        (GRAPH | {"y": None}, nn.Linear(2, 1), "The graphs of batch 1 have no y"),
        (GRAPH, type("Adjacency", (nn.Module,), {"forward": lambda self, x, adj: x})(), "forward takes 'adj', 'x'"),
    ],
)
def test_graphs_that_leave_it_open_are_refused(parts, model, words):
    with pytest.raises(UsageError, match=words):
        Reader(model=model)(Graph(**parts), 1)


def test_masks_of_nodes_that_are_not_used_are_told_once():
    few = torch.ones(10, dtype=torch.bool)

    class Masked(nn.Module):
        def forward(self, x, edge_index, train_mask):
            return x

    read, graph = (
        Reader(model=type("Parts", (nn.Module,), {"forward": lambda self, x, edge_index: x})()),
        Graph(**GRAPH, train_mask=few, test_mask=~few),
    )
    with pytest.warns(
        UserWarning, match="hold 'train_mask', 'test_mask', which are not used: all nodes.*batch=function"
    ):
        read(graph, 1)
    read(graph, 2)
    with pytest.warns(UserWarning, match="hold 'test_mask', which are not used"):
        Reader(model=Masked())(graph, 1)
    Reader(lambda data: (data.x, data.y))(graph, 1)


def test_graphs_are_not_cut():
    with pytest.raises(UsageError, match="would take 4 of a batch of 10 rows of graphs, which cannot be cut"):
        list(pairs([Graph(**GRAPH)], CPU, 4, Reader(model=nn.Linear(2, 1))))


class Observation(nn.Module):
    """Takes a dict as its one argument, as policies take observations."""

    def forward(self, obs, deterministic=False):
        return obs["a"] + obs["b"]


def test_a_dict_beside_its_target_goes_by_name_or_as_the_one_argument():
    a, b = X, X + 1
    assert Reader(model=Two())(({"a": a, "b": b}, Y), 1)[0].keys() == {"a", "b"}
    read, _ = Reader(model=Observation())(({"a": a, "b": b}, Y), 1)
    assert torch.equal(call(Observation(), read), a + b)
    assert Reader(model=Anything())(({"c": a}, Y), 1)[0].keys() == {"c"}


@pytest.mark.parametrize("given", [{"a": X, "c": X}, {"c": X, "d": X}])
def test_a_dict_of_other_names_than_forwards_is_refused(given):
    class Both(nn.Module):
        def forward(self, a, b):
            return a

    said = r"is a dict \(.*takes no 'c'.* by name; it takes 'a', 'b'\. .* give \(\(input,\), target\), .* or batch is a"
    with pytest.raises(UsageError, match=said) as refused:
        Reader(model=Both())((given, Y), 1)
    assert refused.value.argument == "batch"
