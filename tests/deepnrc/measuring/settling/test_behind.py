"""What lies behind the head: the weight in use against numpy, or the reason why there is none."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

N, D, K = 40, 8, 3
STD = torch.tensor([1.0, 20.0, 0.5])


class Net(nn.Module):
    def __init__(self, behind, m=K):
        super().__init__()
        self.body, self.head, self.norm = nn.Linear(6, D), nn.Linear(D, m), nn.BatchNorm1d(m)
        self.register_buffer("std", STD[None])
        self.behind = behind
        with torch.no_grad():
            self.norm.running_var.copy_(torch.linspace(0.5, 2, m))

    def forward(self, x):
        return self.behind(self, self.head(self.body(x).relu()))


@pytest.fixture
def read(probe):
    """The rows of a measure of a network with something behind its head, by measure; and what numpy needs."""

    def tell(behind, m=K, classes=False, measures=("nrc.2", "nrc.3"), **options):
        torch.manual_seed(0)
        net = Net(behind, m).eval()
        X = torch.randn(N, 6)
        with torch.no_grad():
            out, H = net(X), net.body(X).relu().double().numpy()
        Y = torch.arange(N) % K if classes else torch.randn(N, *out.shape[1:])
        report = probe(net, (X, Y), probes=list(measures), **options)
        found = report.table.query("variant == 'default' and layer != 'body'").set_index("measure")
        return found, H, Y.numpy(), net.head.weight.detach().double().numpy()

    return tell


def nrc2(H, W):
    u = H / np.linalg.norm(H, axis=1, keepdims=True)
    Q = np.linalg.svd(W, full_matrices=False)[2][: np.linalg.matrix_rank(W)].T
    return (u**2).sum(1).mean() - ((u @ Q) ** 2).sum(1).mean()


def nrc3(W, Y):
    """The smallest over gamma of a grid."""
    values, vectors = np.linalg.eigh(np.cov(Y.astype(float).T, bias=True))
    R, B = vectors * values**0.5 @ vectors.T, W @ W.T
    A = R - np.linspace(0, values[0] ** 0.5, 4001)[:, None, None] * np.eye(len(R))
    A = A / np.linalg.norm(A, axis=(1, 2), keepdims=True)
    return ((B / np.linalg.norm(B) - A) ** 2).sum((1, 2)).min()


ONE = np.eye(K)
S = np.diag(STD.numpy().astype(float))
SCALED = np.diag(np.linspace(0.5, 2, K) ** -0.5)
USED = {
    "nothing": (lambda s, z: z, ONE),
    "a temperature": (lambda s, z: z / 0.07, ONE),
    "a constant": (lambda s, z: z + torch.arange(3.0), ONE),
    "the targets' scale and mean": (lambda s, z: z * STD + 3, S),
    "the targets' scale in a buffer": (lambda s, z: z * s.std + 3, S),
    "columns turned round": (lambda s, z: z.flip(1), ONE[::-1]),
    "columns rolled": (lambda s, z: z.roll(1, 1), np.roll(ONE, 1, 0)),
    "turned twice": (lambda s, z: z.T.T, ONE),
    "cut and joined": (lambda s, z: torch.cat(z.split(1, 1)[::-1], 1), ONE[::-1]),
    "sums of columns": (lambda s, z: z.cumsum(1), np.tril(np.ones((K, K)))),
    "less the columns' mean": (lambda s, z: z - z.mean(1, keepdim=True), ONE - 1 / K),
    "a BatchNorm": (lambda s, z: s.norm(z), SCALED),
    "signs": (lambda s, z: z * torch.tensor([1.0, -1, 1]), np.diag([1.0, -1, 1])),
}


@pytest.mark.parametrize("name", USED)
def test_the_weight_in_use_is_read_through_fixed_sums_and_factors(read, name):
    behind, M = USED[name]
    found, H, Y, W = read(behind)
    assert found["status"].tolist() == ["ok", "ok"]
    assert found.loc["nrc.2", "value"] == pytest.approx(nrc2(H, M @ W), rel=1e-5)
    assert found.loc["nrc.3", "value"] == pytest.approx(nrc3(M @ W, Y), rel=1e-3)


def test_means_of_columns_are_a_smaller_weight(read):
    found, H, _, W = read(lambda s, z: z.view(-1, 3, 2).mean(2), m=6)
    M = np.kron(np.eye(3), [[0.5, 0.5]])
    assert found.loc["nrc.2", "value"] == pytest.approx(nrc2(H, M @ W), rel=1e-5)
    assert found.loc["nrc.2", "note"].endswith("of 'head', with fixed sums behind it")


@pytest.mark.parametrize(
    "curve", [torch.tanh, torch.sigmoid, functional.softplus, lambda z: z.clamp(-50, 50), lambda z: 2 * z.tanh() + 1]
)
def test_what_each_column_does_alone_leaves_the_row_space_and_no_more(read, curve):
    found, H, _, W = read(lambda s, z: curve(z))
    assert found.loc["nrc.2", "value"] == pytest.approx(nrc2(H, W), rel=1e-5)
    assert found.loc["nrc.3", "status"] == "not defined"
    assert "behind 'head' lies" in found.loc["nrc.3", "note"]
    assert "top= names" in found.loc["nrc.3", "note"]


@pytest.mark.parametrize(
    "behind",
    [
        lambda s, z: z - z.mean(0),
        lambda s, z: z.cumsum(0),
        lambda s, z: z.roll(1, 0),
        lambda s, z: functional.normalize(z),
        lambda s, z: z.softmax(1),
        lambda s, z: z.log_softmax(1),
        lambda s, z: z * z.flip(1),
    ],
)
def test_columns_or_samples_mixed_otherwise_make_none_of_the_outputs(read, behind):
    found, *_ = read(behind)
    assert set(found["status"]) == {"not defined"}
    assert found["note"].str.contains("top= names the layer to be taken all the same").all()


def test_the_layer_that_the_user_names_is_taken_all_the_same(read):
    found, H, _, W = read(lambda s, z: z - z.mean(0), top="head")
    assert found.loc["nrc.2", "value"] == pytest.approx(nrc2(H, W), rel=1e-5)


def nc3(H, W, Y):
    M = np.stack([H[k == Y].mean(0) for k in range(K)], 1)
    A = W @ (M - M.mean(1, keepdims=True))
    return np.linalg.norm(A / np.linalg.norm(A) - (np.eye(K) - 1 / K) / (K - 1) ** 0.5)


CLASSES = {
    "nothing": (lambda s, z: z, ONE),
    "log softmax": (lambda s, z: (z / 3).log_softmax(1), ONE),
    "softmax": (lambda s, z: z.softmax(-1), ONE),
    "turned round": (lambda s, z: z.flip(1).log_softmax(1), ONE[::-1]),
    "negated": (lambda s, z: -z, -ONE),
    "scaled by class": (lambda s, z: z * STD, S),
    "a choice of columns": (lambda s, z: z[:, 1:4], np.eye(K + 2)[1:4]),
}


@pytest.mark.parametrize("name", CLASSES)
def test_the_weight_of_the_classes_is_the_one_in_use(read, name):
    behind, M = CLASSES[name]
    found, H, Y, W = read(behind, m=M.shape[1], classes=True, measures=["nrc.2", "nc.3"])
    assert set(found["status"]) == {"ok"}
    assert found.loc["nc.3", "value"] == pytest.approx(nc3(H, M @ W, Y), rel=1e-5)
    assert found.loc["nrc.2", "value"] == pytest.approx(nrc2(H, M @ W), rel=1e-5)


@pytest.mark.parametrize(
    ("behind", "part"),
    [
        (lambda s, z: z.tanh(), "behind 'head' lies tanh"),
        (lambda s, z: z - z.mean(0), "is computed from it over columns or samples"),
        (lambda s, z: (z * STD).log_softmax(1), "is computed from it"),
    ],
)
def test_class_means_are_not_held_against_a_weight_that_does_not_give_the_classes(read, behind, part):
    found, *_ = read(behind, classes=True, measures=["nc.3"])
    assert found.loc["nc.3", "status"] == "not defined"
    assert part in found.loc["nc.3", "note"]


PATCHED = [
    nn.Sequential(nn.Conv1d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv1d(8, K, 7), nn.Flatten()),
    nn.Sequential(nn.Conv1d(3, 8, 3), nn.ReLU(), nn.Conv1d(8, K, 3), nn.AdaptiveAvgPool1d(1), nn.Flatten()),
    nn.Sequential(nn.Conv1d(3, 8, 3), nn.ReLU(), nn.ConvTranspose1d(8, K, 3), nn.AdaptiveAvgPool1d(1), nn.Flatten()),
]


@pytest.mark.parametrize("net", PATCHED)
def test_a_convolution_of_patches_has_no_rows_among_pooled_features(probe, net):
    with pytest.warns(UserWarning, match="'2' reads patches of several positions.*'flatten' as pool= gives"):
        report = probe(net, (torch.randn(N, 3, 7), torch.randn(N, K)), probes=["nrc.1", "nrc.2", "nrc.3"])
    top = report.table.query("variant == 'default' and layer == '2'")
    assert set(top["status"]) == {"not defined"}
    assert top["note"].str.contains("reads patches of several positions").all()


@pytest.mark.parametrize("shape", [(7,), (3, 5), (2, 2, 3)])
def test_a_convolution_of_a_whole_map_is_a_linear_of_the_flattened_features(probe, shape):
    kind = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}[len(shape)]
    net = nn.Sequential(kind(3, 8, 1), nn.ReLU(), kind(8, K, shape), nn.Flatten())
    X = torch.randn(N, 3, *shape)
    report = probe(net, (X, torch.randn(N, K)), probes=["nrc.2"], pool="flatten")
    with torch.no_grad():
        H, W = net[:2](X).flatten(1).double().numpy(), net[2].weight.flatten(1).double().numpy()
    assert report.values("nrc.2")["value"].item() == pytest.approx(nrc2(H, W), rel=1e-4)


def test_a_convolution_of_single_positions_is_a_linear_of_the_pooled_features(probe):
    net = nn.Sequential(nn.Conv1d(3, 8, 3), nn.ReLU(), nn.Conv1d(8, K, 1), nn.AdaptiveAvgPool1d(1), nn.Flatten())
    X = torch.randn(N, 3, 7)
    report = probe(net, (X, torch.randn(N, K)), probes=["nrc.2"])
    with torch.no_grad():
        H, W = net[:2](X).mean(2).double().numpy(), net[2].weight[:, :, 0].double().numpy()
    assert report.values("nrc.2")["value"].item() == pytest.approx(nrc2(H, W), rel=1e-4)


@pytest.mark.parametrize(
    ("behind", "output", "made"),
    [
        (lambda s, z: z[:, :, None], lambda out: out.flatten(1), ONE),
        (lambda s, z: {"mean": z}, lambda out: out["mean"] * STD + 3, S),
        (lambda s, z: (z, z.exp()), lambda out: torch.cat([out[0][:, 2:], out[0][:, :2]], 1), np.roll(ONE, 1, 0)),
    ],
)
def test_what_a_function_makes_of_what_was_returned_is_seen_as_if_the_network_did(probe, behind, output, made):
    torch.manual_seed(0)
    net, X, Y = Net(behind).eval(), torch.randn(N, 6), torch.randn(N, K)
    found = probe(net, (X, Y), probes=["nrc.2", "nrc.3"], output=output).table.query("variant == 'default'")
    H, W = net.body(X).relu().detach().double().numpy(), made @ net.head.weight.detach().double().numpy()
    assert dict(zip(found["measure"], found["value"], strict=True)) == pytest.approx(
        {"nrc.2": nrc2(H, W), "nrc.3": nrc3(W, Y.numpy())}, rel=1e-4
    )
