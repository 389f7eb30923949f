"""The benchmark of large work: each line names its figure and its bound."""

import re

import torch

from experiments.benchmark import scale


def test_a_whole_network_is_held_against_its_forward_pass(capsys):
    scale._whole("tiny", scale._mlp(16, 2), torch.randn(64, 16), 1, 3)
    said = capsys.readouterr().out
    assert re.match(
        r"tiny: deepnrc\.probe takes [\d.]+ times the forward pass \([\d.]+ s, [\d.]+ s\)\. Bound: 3\.", said
    )


def test_seconds_are_those_of_the_clock_and_of_processors(capsys):
    scale._timed("work", lambda: scale._probe(scale._mlp(16, 2), torch.randn(64, 16)), 30)
    assert re.match(r"work: [\d.]+ s \([\d.]+ s of processors\)\. Bound: 30 s\.", capsys.readouterr().out)


def test_trackings_summaries_and_pages_are_timed(capsys):
    scale._tracked(3, 0.02)
    scale._printed(4, 1)
    scale._paged(2, 10, 3)
    tracked, printed, paged, size = capsys.readouterr().out.splitlines()
    assert re.match(r"Tracker with a folder, 3 steps: -?[\d.]+ s of processors a step beside probing", tracked)
    assert printed.startswith("str(report) of 4 layers: ")
    assert paged.startswith("2 runs on a page: ")
    assert re.match(r" +[\d.]+ MB\. Bound: 3 MB\.", size)
