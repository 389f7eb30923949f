import ast
from pathlib import Path

import pytest
import torch

import probes
from probes import (
    CATALOG,
    STATISTICS,
    STATUSES,
    Batch,
    Classes,
    Moments,
    Opening,
    Pass,
    Probe,
    Snapshot,
)
from probes.streaming.dormant import Magnitudes
from probes.streaming.gram import Gram
from probes.streaming.rows import Rows

NAMES = {
    "deep.noise",
    "deep.noise_fraction",
    "deep.spectral_gap",
    "deep.feature_stable_rank",
    "deep.weight_stable_rank",
    "deep.target_stable_rank",
    "deep.feature_weight_alignment",
    "deep.noise_alignment",
    "deep.cka",
    "deep.feature_target_alignment",
    "deep.cross_alignment",
    "deep.feature_side_alignment",
    "deep.linear_mse",
    "deep.linear_r2",
    "deep.balancedness",
    "model.mse",
    "model.accuracy",
    "nrc.1",
    "nrc.2",
    "nrc.1_centred",
    "nrc.2_centred",
    "nrc.3",
    "nrc.3_gamma_ratio",
    "nrc.evr_1",
    "nrc.evr_2",
    "nrc.evr_3",
    "nrc.evr_4",
    "nrc.evr_5",
    "nc.1",
    "nc.2",
    "nc.3",
    "nc.4",
    "nc.ncc_error",
    *(f"{whose}.direction_r2_{i}" for whose in ("deep", "model") for i in range(1, 11)),
    "deep.direction_r2_gap",
    "model.direction_r2_smallest",
    "model.residual_whiteness",
    "rank.effective",
    "rank.participation",
    "rank.numerical",
    "rank.alpha",
    "features.dormant",
    "dimension.two_nn",
    "nc.cdnv",
    "nc.equinorm",
    "nc.gnc2",
    "nc.unc3",
    "nc.total_variation",
}


def test_names_are_the_ones_the_tables_downstream_rely_on():
    assert {p.name for p in CATALOG} == NAMES


def test_name_and_variant_are_one_row():
    rows = [(p.name, p.variant) for p in CATALOG]
    assert len(rows) == len(set(rows))
    assert all((name, "default") in rows for name in NAMES)


@pytest.mark.parametrize("probe", CATALOG, ids=lambda p: f"{p.name}-{p.variant}")
def test_row_is_whole(probe):
    assert set(probe.reads) <= {name for name in dir(Snapshot) if not name.startswith("_")} | set(STATISTICS)
    assert probe.title
    assert probe.formula
    assert probe.meaning.count(". ") >= 1
    assert probe.source or probe.name.startswith("model.")
    assert probe.bounds[0] < probe.bounds[1]
    assert probe.better in ("low", "high", "")
    assert probe.where in ("layer", "top", "network")
    assert (probe.measure.__doc__ or probe.name.startswith("nrc.evr")) is not None


@pytest.mark.parametrize("probe", [p for p in CATALOG if p.reference], ids=lambda p: p.label)
def test_a_reference_has_one_level_and_a_measure_that_is_read_once(probe):
    reference = probe.reference
    assert reference.short
    assert reference.words.startswith(reference.short)
    assert [bool(reference.measure), reference.level is not None, reference.threshold].count(True) == 1
    held = {(p.name, p.variant): p.where for p in CATALOG}
    assert not reference.measure or held[reference.measure, reference.variant] == "network"


def test_main_measures_stand_in_one_order_each_with_a_heading_where_letters_are_few():
    main = [p for p in CATALOG if p.main]
    assert len({p.order for p in main}) == len(main)
    assert all(set(p.shown) <= set(probes.catalog.probe.PLACES) and p.where == "layer" for p in main)
    assert all(p.short for p in main if probes.SUMMARY in p.shown)
    assert max(p.order for p in main) < Probe("my.own", lambda: 1.0, "Mine").order


@pytest.mark.parametrize("seed", range(4))
def test_values_lie_within_their_bounds(layer, classes, snap, evaluate, seed):
    outputs, magnitudes = Moments(4, 4), Magnitudes(24)
    outputs.update(layer(seed=seed + 9)[1], layer(seed=seed)[1])
    magnitudes.update(Batch.of(layer(seed=seed)[0]))
    given = {"rank": 3, "network_mse": 0.5, "network_accuracy": 0.5, "network_outputs": outputs}
    regression, classifier = snap(*layer(seed=seed, m=4), **given), snap(*classes(seed=seed, K=4), **given)
    rows = Rows(24, 4)
    rows.update(Batch.of(*layer(seed=seed)[:2]))
    regression.statistics |= {"magnitudes": magnitudes, "rows": rows}
    for p in CATALOG:
        if p.direction > 4 or p.variant in (
            "sigma ratio",
            "un-normalised optimum",
        ):  # more directions than these targets or weights have
            continue
        snapshot = classifier if p.classes else regression
        snapshot.following_weight = torch.randn(3, 4, generator=torch.Generator().manual_seed(seed))
        found = evaluate(p.name, snapshot, p.variant)
        assert found.outcome.status in STATUSES
        assert p.bounds[0] <= found.outcome.value <= p.bounds[1], p.name
        assert (found.chance is None, found.floor is None) == (p.chance is None, p.floor is None)


@pytest.mark.parametrize("name", STATISTICS)
def test_a_statistic_of_the_whole_is_the_merge_of_any_split(layer, name):
    kind = STATISTICS[name]
    H, Y, _ = layer()
    classes, predicted = Y.argmax(1), Y.argmin(1)
    first = {"moments": Moments(24, 4), "classes": Classes(24, 4)}
    for one in first.values():
        one.update(H, torch.nn.functional.one_hot(classes, 4).double())
    opening = Opening(24, 4, first=first if kind.in_pass is Pass.SECOND else {})
    whole, a, b = (kind.begin(opening) for _ in range(3))
    for part, rows in ((whole, slice(700)), (a, slice(9)), (b, slice(9, 700))):
        part.update(Batch(H[rows], Y[rows], classes[rows], predicted[rows]))
    a.merge(b)
    assert a.count == whole.count == 700
    merged, once = tensors(a), tensors(whole)
    assert once
    for name, value in once.items():
        torch.testing.assert_close(merged[name], value, rtol=1e-12, atol=1e-11)


def tensors(statistic):
    """All that a statistic holds, by its name."""
    held = {name: one.matrix if isinstance(one, Gram) else one for name, one in vars(statistic).items()}
    return {name: one for name, one in held.items() if isinstance(one, torch.Tensor)}


def test_probes_bring_along_what_their_functions_read():
    for probe in CATALOG:
        assert set(probe.reads) & set(STATISTICS) <= {"moments", *probe.statistics}, probe.name


def test_the_statistics_of_the_catalog_cannot_be_added_to():
    with pytest.raises(TypeError):
        STATISTICS["mine"] = Moments


def test_everything_public_is_documented():
    bare = []
    for path in sorted(Path(probes.__file__).parent.rglob("*.py")):
        tree = ast.parse(path.read_text())
        public = [x for x in tree.body if isinstance(x, ast.FunctionDef | ast.ClassDef) and not x.name.startswith("_")]
        bare += [f"{path.name}:{getattr(x, 'name', '')}" for x in (tree, *public) if not ast.get_docstring(x)]
    assert not bare


def test_all_names_what_exists():
    assert len(set(probes.__all__)) == len(probes.__all__)
    assert all(hasattr(probes, name) for name in probes.__all__)
