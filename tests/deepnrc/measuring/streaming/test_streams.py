import pytest
import torch
from torch import nn

from deepnrc.data.targets import Targets
from deepnrc.errors import DataError, UsageError
from deepnrc.measuring.selection import select
from deepnrc.measuring.settling.top import Top
from deepnrc.measuring.streaming.streams import Streams
from deepnrc.networks.choosing.layers import site_at
from deepnrc.networks.reading.forward import Forward, Reading
from deepnrc.networks.reading.pooling import Pooled

H = torch.randn(30, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
Y = torch.randn(30, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
U = 2.0**-53


def forward(rows, output=None, repeats=1, roundoff=U):
    """A pass that gave each named layer its rows; names with a capital are outputs of blocks."""
    sites = {key: site_at(key.partition("#")[0], nn.ReLU() if key[0].isupper() else nn.Linear(5, 2)) for key in rows}
    readings = {key: Reading(sites[key], Pooled(h, repeats, "mean"), roundoff) for key, h in rows.items()}
    return Forward(readings, list(rows), {} if output is None else {"": output})


def targets(y):
    return Targets(y, U, False)


@pytest.fixture
def streams():
    return Streams(select(None), top=Top("a"))


def state(streams):
    """Everything that streams hold, to compare before and after."""
    layers = {key: (s["moments"].count, s["moments"].scatter.clone()) for key, s in statistics(streams).items()}
    return streams.samples, streams.batches, streams.n, layers


def statistics(streams):
    streams.flush()
    return {key: layer.statistics for key, layer in streams.layers.items()}


@pytest.mark.parametrize("size", [1, 7, 29, 30, 100])
def test_any_split_into_batches_gives_the_same_moments(streams, size):
    for h, y in zip(H.split(size), Y.split(size), strict=True):
        streams.update(forward({"a": h}), targets(y))
    Z = torch.cat([H, Y], 1)
    moments = statistics(streams)["a"]["moments"]
    torch.testing.assert_close(moments.mean, Z.mean(0), rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(moments.covariance, torch.cov(Z.T, correction=0), rtol=1e-12, atol=1e-14)
    assert (streams.samples, streams.batches, moments.count) == (30, -(-30 // size), 30)


def test_targets_are_repeated_for_every_position_of_a_sample(streams):
    streams.update(forward({"a": H}, repeats=3), targets(Y[:10]))
    again = Streams(select(None), top=Top("a"))
    again.update(forward({"a": H}), targets(torch.stack([Y[i // 3] for i in range(30)])))
    assert torch.equal(*(statistics(s)["a"]["moments"].scatter for s in (streams, again)))
    assert streams.samples == 10


def test_a_layer_dead_in_the_first_batch_and_alive_later_is_measured_whole(streams):
    late = torch.cat([torch.zeros(10, 5, dtype=torch.float64), H[10:]])
    for h, y in zip(late.split(10), Y.split(10), strict=True):
        streams.update(forward({"a": h}), targets(y))
    got = statistics(streams)["a"]["moments"].covariance[:5, :5]
    torch.testing.assert_close(got, torch.cov(late.T, correction=0), rtol=1e-12, atol=1e-14)
    assert statistics(streams)["a"]["directions"].dropped == 10


def test_layers_that_look_alike_share_nothing(streams):
    streams.update(forward({"a": H, "b": H}), targets(Y))
    streams.update(forward({"a": H, "b": 5 * H}), targets(Y))
    a, b = (statistics(streams)[key]["moments"].covariance for key in "ab")
    assert not torch.allclose(a, b)


def test_the_coarsest_roundoff_counts(streams):
    for roundoff in (U, 0.1, U):
        streams.update(forward({"a": H}, roundoff=roundoff), targets(Y))
    assert streams.layers["a"].roundoff == 0.1


def test_the_top_is_the_one_that_was_set_and_depth_is_the_order(streams):
    streams.update(forward({"b": H, "a": H, "Block": H}), targets(Y))
    assert [(layer.key, layer.depth, layer.top) for layer in streams.layers.values()] == [
        ("b", 0, False),
        ("a", 1, True),
        ("Block", 2, False),
    ]
    assert "directions" in statistics(streams)["a"]
    assert "directions" not in statistics(streams)["b"]


NAN = H.clone()
NAN[2, 3] = float("nan")


@pytest.mark.parametrize(
    ("bad", "y", "error", "words"),
    [
        ({"a": H, "b": H[:20]}, Y, UsageError, r"'b' gave 20 rows in batch 2, and the targets have 30\. Targets must"),
        ({"a": H, "b": H}, Y[:20], UsageError, r"'a' gave 30 rows in batch 2, and the targets have 20\. Targets must"),
        (
            {"a": H, "b": torch.cat([H, H])},
            Y,
            UsageError,
            r"'b' gave 60 rows .* Windows or tokens were folded .* layers=\['!b'\] or probe layers='blocks'",
        ),
        ({"a": H, "b": H[:, :3]}, Y, UsageError, r"'b' is 3 wide in batch 2 and was 5 before\. .*'flatten' needs"),
        ({"a": H, "b": H}, Y[:, :1], UsageError, r"targets of batch 2 have 1 columns and had 2 before"),
        ({"a": H}, Y, UsageError, r"'b' ran +in some batches and not in others\..*layers=\['!b'\]"),
        ({"a": H, "b": H, "b#2": H}, Y, UsageError, r"'b' ran 2 times in some batches and not in others\..*\['!b'\]"),
        ({"a": H, "b": NAN}, Y, DataError, r"features of layer 'b' hold NaN or infinity in batch 2\. Probe an earlier"),
        ({"a": H, "b": H / 0}, Y, DataError, r"features of layer 'b' hold NaN or infinity in batch 2"),
    ],
)
def test_a_batch_that_does_not_fit_is_refused_and_no_layer_has_taken_it_in(streams, bad, y, error, words):
    streams.update(forward({"a": H, "b": H}), targets(Y))
    before = state(streams)
    with pytest.raises(error, match=words):
        streams.update(forward(bad), targets(y))
    assert str(state(streams)) == str(before)


def test_a_first_batch_that_is_refused_leaves_no_layer_open(streams):
    with pytest.raises(UsageError, match="gave 30 rows in batch 1, and the targets have 7"):
        streams.update(forward({"a": H}), targets(Y[:7]))
    assert state(streams) == (0, 0, 0, {})


def test_the_networks_own_error_is_streamed_exactly(streams):
    output = Y + 0.1 + H[:, :2]
    for part in range(3):
        s = slice(10 * part, 10 * part + 10)
        streams.update(forward({"a": H[s]}, output[s].float()), targets(Y[s]))
    assert streams.network.mse == pytest.approx(float(((output.float() - Y) ** 2).mean()), rel=1e-12)


def test_an_output_without_its_last_axis_is_compared_too(streams):
    streams.update(forward({"a": H}, Y[:, 0] + 2), targets(Y[:, :1]))
    assert streams.network.mse == pytest.approx(4, rel=1e-12)


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (None, "the network's output was not seen"),
        (Y[:, :1], "the output (30, 1) does not have the targets' shape (N, 2)"),
        (Y.long(), "the output (30, 2) does not have the targets' shape (N, 2)"),
        (Y / 0, "the output holds NaN or infinity in batch 2"),
    ],
)
def test_an_output_that_cannot_be_compared_says_why_and_never_gives_a_number(streams, output, words):
    streams.update(forward({"a": H}, None if output is None else Y), targets(Y))
    streams.update(forward({"a": H}, output), targets(Y))
    streams.update(forward({"a": H}, None if output is None else Y), targets(Y))
    assert streams.network.mse is None
    assert streams.network.missing == words
    assert streams.network.incomparable == (output is not None)


def test_the_second_pass_feeds_centred_rows_to_the_top_layer_alone():
    streams = Streams(select("nrc.1_centred"), top=Top("b"))
    assert not Streams(select(None)).second_pass()
    streams.update(forward({"a": H, "b": 2 * H + 1}), targets(Y))
    moments = statistics(streams)["b"]["moments"].scatter.clone()
    assert streams.second_pass() == {"b"}
    for h, y in zip(H.split(7), Y.split(7), strict=True):
        streams.update(forward({"b": 2 * h + 1}), targets(y))
    u = nn.functional.normalize(H - H.mean(0))
    torch.testing.assert_close(statistics(streams)["b"]["centred_directions"].second, u.T @ u / 30)
    assert torch.equal(statistics(streams)["b"]["moments"].scatter, moments)
    assert streams.samples == 30


# --- classes

LABELS = torch.arange(30) % 3
ONE_HOT = nn.functional.one_hot(LABELS, 3).double()


def classes(rows):
    return Targets(ONE_HOT[rows], U, True)


@pytest.mark.parametrize("size", [1, 7, 29, 30])
@pytest.mark.parametrize("repeats", [1, 2])
def test_classes_are_streamed_by_default_and_whatever_the_batches(size, repeats):
    streams = Streams(select(None))
    wide = H.repeat_interleave(repeats, 0) + torch.arange(30 * repeats)[:, None] % repeats
    for rows in torch.arange(30).split(size):
        mine = torch.cat([torch.arange(repeats) + repeats * row for row in rows.tolist()])
        streams.update(forward({"a": wide[mine]}, ONE_HOT[rows], repeats), classes(rows))
    found, labels = statistics(streams)["a"]["classes"], LABELS.repeat_interleave(repeats)
    assert found.counts.tolist() == [10 * repeats] * 3
    means = torch.stack([wide[labels == k].mean(0) for k in range(3)])
    torch.testing.assert_close(found.means, means, rtol=1e-12, atol=1e-14)
    rest = wide - means[labels]
    torch.testing.assert_close(found.within, rest.T @ rest / len(rest), rtol=1e-12, atol=1e-14)


def test_targets_that_are_no_classes_cost_nothing_and_leave_no_rows(streams):
    streams.update(forward({"a": H}), targets(Y))
    assert "classes" not in statistics(streams)["a"]
    assert not any(probe.classes for probe in streams.fitting)
    named = Streams(select("nc.*"), chosen=True)
    named.update(forward({"a": H}), targets(Y))
    assert all(probe.classes for probe in named.fitting)
    assert set(statistics(named)["a"]) == {"moments"}
    assert {named.missing[name] for name in ("classes", "nearest", "model_accuracy")} == {"the targets are no classes"}


def test_the_targets_say_why_they_are_no_classes():
    named = Streams(select("nc.*"), chosen=True)
    named.update(forward({"a": H}), Targets(Y, U, False, "no classes, because"))
    assert {named.missing[name] for name in ("classes", "model_accuracy")} == {"no classes, because"}


def test_targets_that_looked_like_classes_at_first_are_none(streams):
    streams.update(forward({"a": H}, ONE_HOT), classes(slice(30)))
    assert "classes" in streams.layers["a"].statistics
    streams.update(forward({"a": H}, ONE_HOT), Targets(ONE_HOT + 0.5, U, False))
    streams.update(forward({"a": H}, ONE_HOT), classes(slice(30)))
    assert "classes" not in statistics(streams)["a"]
    assert not streams.one_hot
    assert streams.network_accuracy is None
    assert statistics(streams)["a"]["moments"].count == 90


def test_targets_that_are_no_classes_bring_no_predicted_class_along(streams):
    streams.update(forward({"a": H}, Y), targets(Y))
    assert next(iter(streams.layers["a"].waiting.values())).known == (False, False)
    assert Streams.missing.fget(Streams(select("nc.4"), unknown=streams.unknown))["nearest"]
    assert streams.network.hits == 0


def test_accuracy_counts_what_the_network_got_right(streams):
    output = ONE_HOT + torch.randn(30, 3, generator=torch.Generator().manual_seed(2))
    for rows in torch.arange(30).split(7):
        streams.update(forward({"a": H[rows]}, output[rows]), classes(rows))
    assert streams.network_accuracy == float((output.argmax(1) == LABELS).double().mean())
    assert 0 < streams.network_accuracy < 1


@pytest.mark.parametrize("size", [1, 7, 30])
def test_the_second_pass_holds_class_means_against_the_networks_classes(size):
    streams = Streams(select("nc.4"), chosen=True)
    output = ONE_HOT + torch.randn(30, 3, generator=torch.Generator().manual_seed(2))
    for number in (1, 2):
        for rows in torch.arange(30).split(size):
            given = {"a": H[rows] + 50, "b": 2 * H[rows]}
            streams.update(forward(given, output[rows]), classes(rows))
        if number == 1:
            assert streams.second_pass() == {"a", "b"}
    means = torch.stack([H[k == LABELS].mean(0) for k in range(3)])
    wanted = int((torch.cdist(H, means).argmin(1) != output.argmax(1)).sum())
    for key in "ab":
        nearest = statistics(streams)[key]["nearest"]
        assert (nearest.count, nearest.disagreed) == (30, wanted)
    assert 0 < wanted < 30


def test_without_an_output_there_is_no_second_pass_and_the_reason_is_kept():
    streams = Streams(select("nc.4"), chosen=True)
    streams.update(forward({"a": H}, H), classes(slice(30)))
    assert not streams.second_pass()
    assert streams.missing["nearest"] == "the output (30, 5) does not have the targets' shape (N, 3)"
    assert streams.network_accuracy is None
