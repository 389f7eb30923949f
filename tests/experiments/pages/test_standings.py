"""The table of a study's networks by verdict."""

from experiments.pages import standings

FINE = {
    "deep.noise_fraction": [0.9, 0.1, 0.1],
    "deep.feature_weight_alignment": [0.1, 0.9, 0.9],
    "deep.direction_r2_gap": [0.9, 0.0, 0.0],
    "model.direction_r2_smallest": {-1: 0.9},
}


def test_a_setting_tells_how_many_are_collapsed_and_why_others_are_low_in_noise_alone(made):
    values = {
        "none": {0: FINE | {"deep.noise_fraction": [0.9, 0.9, 0.9]}},
        "some": {0: FINE, 1: FINE | {"deep.feature_weight_alignment": [0.1, 0.9, 0.5]}},
        "much": {0: FINE | {"model.direction_r2_smallest": {-1: 0.01}}},
    }
    found = standings.table(made(values))
    assert [dict(zip(found["columns"], row, strict=True)) for row in found["rows"]] == [
        {"setting": "none", "networks": 1, "low noise": 0, "collapsed": 0, "from": "-", "why low noise alone": "-"},
        {"setting": "some", "networks": 2, "low noise": 2, "collapsed": 1, "from": "layer1", "why low noise alone":
         "not collapsed: noise is above 0.2 (1 - k/d) at layer0; not aligned with the weight at layer2"},
        {"setting": "much", "networks": 1, "low noise": 1, "collapsed": 0, "from": "-", "why low noise alone":
         "not learned: R2 is 0.01 along a direction of the targets; low noise at layer1, layer2 is no collapse"},
    ]  # fmt: skip


def test_cells_that_diverged_and_studies_without_noise_have_none(made):
    lost = standings.table(made({"a": {0: FINE}, "b": {0: FINE}}, diverged=[("b", 0)]))
    assert [row[0] for row in lost["rows"]] == ["a"]
    assert standings.table(made({"a": {0: {"deep.cka": [0.5, 0.6]}}})) is None
