"""Batches that do not fit those before them."""

import pytest
import torch
from torch import nn

from deepnrc.errors import DataError, UsageError
from deepnrc.measuring.streaming.fit import check_features, check_layers, check_targets
from deepnrc.networks.choosing.layers import site_at
from deepnrc.networks.reading.forward import Forward, Reading
from deepnrc.networks.reading.pooling import Pooled

H = torch.randn(30, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def forward(repeats=1, **rows):
    return Forward(
        {k: Reading(site_at(k, nn.Linear(5, 2)), Pooled(h, repeats, "mean"), 0.0) for k, h in rows.items()}, []
    )


def test_what_fits_passes():
    check_targets(torch.zeros(4, 2), 2, 3)
    check_layers(forward(a=H, b=H), ["b", "a"])
    check_features(forward(a=H), 30, 1, {})
    check_features(forward(3, a=H), 10, 2, {"a": 5})
    check_features(forward(a=H[:0]), 0, 1, {})


def test_targets_keep_their_width():
    with pytest.raises(UsageError, match=r"targets of batch 3 have 1 columns and had 2 before"):
        check_targets(torch.zeros(4, 1), 2, 3)


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (["a", "b"], r"'b' ran +in some batches and not in others\..*layers=\['!b'\]"),
        ([], r"'a' ran +in some batches"),
        (["a", "a#2"], r"'a' ran 2 times in some batches"),
    ],
)
def test_the_same_layers_run_in_every_batch(before, words):
    with pytest.raises(UsageError, match=words):
        check_layers(forward(a=H), before)


def test_rows_of_blocks_are_not_told_to_be_read_as_blocks():
    block = Reading(site_at("block", nn.ReLU()), Pooled(H, 1, "none"), 0.0)
    given = Forward({"block": block, **forward(a=H[:10]).readings}, [])
    with pytest.raises(UsageError, match=r"leave it out with layers=\['!block'\], or give one target row per sample"):
        check_features(given, 10, 1, {})


@pytest.mark.parametrize(
    ("given", "samples", "words"),
    [
        (forward(a=H), 29, r"'a' gave 30 rows in batch 2, and the targets have 29\. Targets must"),
        (
            forward(a=H),
            10,
            r"'a' gave 30 rows .* Targets must .* nodes of graphs, .* such as the head .* layers=\[\.\.\.\]\.",
        ),
        (
            forward(a=H, b=H[:10]),
            10,
            r"'a' gave 30 rows .* Windows or tokens .* layers=\['!a'\] or probe layers='blocks', or",
        ),
        (forward(2, a=H), 30, r"'a' gave 30 rows .* Targets must"),
        (forward(a=H), 0, r"'a' gave 30 rows .* Targets must"),
        (forward(a=H[:, :3]), 30, r"'a' is 3 wide in batch 2 and was 5 before"),
    ],
)
def test_features_have_a_row_a_sample_and_keep_their_width(given, samples, words):
    with pytest.raises(UsageError, match=words):
        check_features(given, samples, 2, {"a": 5})


def test_modules_that_read_tokens_first_are_named_where_rows_differ():
    with pytest.raises(
        UsageError, match=r"because 'rnn' has batch_first=False, build the network with batch_first=True"
    ):
        check_features(forward(a=H), 29, 1, {}, ["rnn"])


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_features_are_finite(bad):
    rows = H.clone()
    rows[7, 2] = bad
    with pytest.raises(DataError, match=r"features of layer 'b' hold NaN or infinity in batch 4"):
        check_features(forward(a=H, b=rows), 30, 4, {})
