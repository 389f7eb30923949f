from probes import CATALOG
from probes.catalog import deep_rows


def test_these_are_the_deep_measures_and_the_network_s_own_error():
    assert {p.name.split(".")[0] for p in deep_rows.ROWS} == {"deep", "model"}
    assert CATALOG[: len(deep_rows.ROWS)] == deep_rows.ROWS


def test_the_main_measures_are_all_here():
    assert [p for p in CATALOG if p.main] == [p for p in deep_rows.ROWS if p.main]
    assert all(p.where == "layer" for p in deep_rows.ROWS if p.main)


def test_alignments_have_a_null_and_end_at_one():
    aligned = [p for p in deep_rows.ROWS if p.name.endswith("_alignment")]
    assert len(aligned) == 7
    assert all(p.chance is not None for p in aligned)
    assert {p.collapsed for p in aligned} == {0.0, 1.0}
