import pytest

from probes import CATALOG, of_sketch, sketch_tells
from probes.catalog.sketch_rows import EXACT
from probes.snapshot import Snapshot

TOLD = {f"{p.name} {p.variant}" for p in CATALOG if sketch_tells(p)}


def test_forms_are_variants_of_their_own():
    forms = {p.label: of_sketch(p) for p in CATALOG if of_sketch(p) is not None}
    assert {f.variant for f in forms.values()} == {"sketch"}
    assert "deep.noise_fraction" in forms


@pytest.mark.parametrize("name", ["deep.weight_stable_rank default", "model.mse default", "nrc.3 default"])
def test_what_reads_no_covariance_of_the_features_is_told(name):
    assert name in TOLD


@pytest.mark.parametrize("read", ["features", "covariance", "S_H", "linear_fit", "classes", "directions", "uncentred"])
def test_what_reads_the_features_is_not(read):
    assert not any(read in p.reads for p in CATALOG if sketch_tells(p))


def test_exact_quantities_exist():
    assert all(
        hasattr(Snapshot, name) or name in Snapshot.__annotations__ or name in dir(Snapshot)
        for name in EXACT - {"mse_note"}
    )
