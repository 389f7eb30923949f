from probes import CATALOG
from probes.catalog.alternative_rows import ROWS


def test_each_is_a_variant_of_a_measure_and_measured_when_named():
    defaults = {p.name for p in CATALOG if p.variant == "default"}
    for probe in ROWS:
        assert probe.name in defaults
        assert probe.variant != "default"
        assert not probe.default
        assert not probe.main
