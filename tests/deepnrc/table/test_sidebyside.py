import pytest
import torch
from torch import nn

import deepnrc
from deepnrc import UsageError
from deepnrc.report import Report
from deepnrc.table import DEFINITIONS, told
from deepnrc.table.sidebyside import READINGS
from probes import CATALOG


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(9, 8), nn.ReLU(), nn.Linear(8, 3))


def probed(net, Y):
    X = torch.randn(200, 9, generator=torch.Generator().manual_seed(1))
    return deepnrc.probe(net, (X, Y), probes=DEFINITIONS, progress=False)


@pytest.fixture(scope="module")
def report(net):
    return probed(net, torch.randn(200, 3))


def test_every_reading_is_a_row_of_the_catalog():
    held = {(p.name, p.variant) for p in CATALOG}
    assert {(m, v) for readings in READINGS.values() for m, v, _ in readings} <= held
    assert [len(readings) for readings in READINGS.values()] == [2, 2, 3, 2, 4, 3, 4]


def test_readings_stand_side_by_side_with_their_values(report):
    found = report.definitions()
    for row in found.itertuples():
        (wanted,) = report.where(layer=row.layer, measure=row.measure, variant=row.variant).table["value"]
        assert row.value == wanted or wanted != wanted
    of_first = found[(found["quantity"] == "alignment with targets") & (found["layer"] == "0")]
    assert of_first["variant"].tolist() == ["default", "signal", "first n columns"]
    at_top = found[found["quantity"] == "NRC1"]
    assert at_top["measure"].tolist() == ["nrc.1", "nrc.1", "nrc.1_centred", "nrc.1"]
    assert found["reading"].str.len().min() > 10


def test_as_text_each_definition_has_its_reason_and_classes_are_for_classes(net, report):
    text = told(report.definitions())
    assert "  [2] deep.feature_stable_rank (covariance): of the covariance" in text
    assert "NC1" not in text
    assert "nan" not in text
    classes = told(probed(net, torch.arange(200) % 3).definitions())
    assert "[4] nc.1 (total)" in classes


def test_a_table_without_such_measures_says_what_to_probe(report):
    other = Report(report.table.assign(measure="my.own"), report.provenance)
    with pytest.raises(UsageError, match="read in more than one way"):
        other.definitions()
