import pytest

from probes.catalog.top_rows import ROWS


@pytest.mark.parametrize("probe", ROWS, ids=lambda p: p.label)
def test_all_are_of_the_top_layer_and_from_one_paper(probe):
    assert probe.name.startswith("nrc.")
    assert probe.where == "top"
    assert "2409.04180" in probe.source


def test_what_takes_a_second_pass_is_measured_when_named():
    assert {p.name for p in ROWS if "centred_directions" in p.statistics} == {"nrc.1_centred", "nrc.2_centred"}
    assert not any(p.default for p in ROWS if "centred_directions" in p.statistics)
