"""The benchmark's lines: each names its figure and its bound."""

import re

import torch

from experiments.benchmark import cost


def test_a_ratio_is_printed_beside_its_bound(capsys):
    batches = [(torch.randn(8, 16), torch.randn(8, 4)) for _ in range(4)]
    cost._ratio("tiny", cost._mlp(16, 2), batches, 1, 2, 3.5)
    said = capsys.readouterr().out
    assert re.match(r"tiny: probing costs -?[\d.]+ times a plain forward pass per sample \(plain", said)
    assert said.endswith("Bound: 3.5.\n")


def test_finishing_is_timed_beside_a_decomposition(capsys):
    cost._finish(8, 1, 2.0, 2.6)
    measures, report = capsys.readouterr().out.splitlines()
    times = r"[\d.]+ times one eigh of that size \(\d\.\d+ s, \d\.\d+ s\)"
    assert re.fullmatch(rf"d = 8: all measures and null levels of one layer: {times}\. Bound: 2\.0\.", measures)
    assert re.fullmatch(rf"d = 8: a report of one layer, with spectra and table: {times}\. Bound: 2\.6\.", report)


def test_what_the_first_batch_costs_is_a_fixed_part(capsys):
    cost._first_batch("tiny", cost._mlp(16, 2), (torch.randn(8, 16), torch.randn(8, 4)), 1)
    said = capsys.readouterr().out
    assert re.match(
        r"tiny: what the first batch shows costs [\d.]+ plain forward passes of 8 samples \([\d.]+ ms\)", said
    )
    assert said.endswith("once for an attachment or a tracker.\n")


def test_null_levels_are_timed_beside_a_decomposition(capsys):
    cost._nulls(8, 2, 1, 0.5)
    said = capsys.readouterr().out
    assert re.match(r"All null levels of one layer, d = 8, n = 2: \d\.\d+ s of CPU time, [\d.]+ times a decomp", said)
    assert said.endswith("Bound: 0.5.\n")


def test_a_layer_is_timed_on_so_many_threads_and_they_are_put_back(capsys):
    before = torch.get_num_threads()
    with cost._threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before
    assert capsys.readouterr().out == f"On {before + 1} threads:\n"
