import pytest

from probes import Pass
from probes.catalog.class_rows import ROWS


@pytest.mark.parametrize("probe", ROWS, ids=lambda p: p.label)
def test_all_are_for_targets_that_are_classes_and_fall_to_zero(probe):
    assert probe.name.startswith("nc.")
    assert probe.classes
    assert (probe.better, probe.collapsed) == ("low", 0.0)
    assert "classes" in probe.statistics


def test_what_takes_a_second_pass_is_measured_when_named():
    second = [p for p in ROWS if any(kind.in_pass is Pass.SECOND for kind in p.statistics.values())]
    assert {p.name for p in second} == {"nc.4", "nc.ncc_error"}
    assert not any(p.default for p in second)
