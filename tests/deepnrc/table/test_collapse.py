import math
import re

import pandas as pd
import pytest

from deepnrc.errors import UsageError
from deepnrc.table import COLUMNS, collapse_onset, verdicts, with_reference

FINE = {"noise": 0.01, "align": 0.99, "high": 0.5, "gap": 0.0, "directions": 9}


def table(layers, *, smallest=0.9, accuracy=None, d=16, k=2, n=3, run="a", step=0):
    """A row for each measure of each layer; what is None is left out, ``status`` marks all of a layer's."""
    rows = []
    empty = {name: "" if kind == "str" else None for name, kind in COLUMNS.items()}
    shared = empty | {"pool": "none", "run": run, "step": step, "n_samples": 100, "target_dim": n, "variant": "default"}

    def add(layer, depth, measure, value, **rest):
        if value is not None:
            rows.append(shared | {"layer": layer, "depth": depth, "measure": measure, "value": value, "dim": d,
                                  "rank": k, "status": "ok"} | rest)  # fmt: skip

    for depth, given in enumerate(layers):
        one = FINE | given
        rest = {"dim": one.get("d", d), "rank": one.get("k", k), "status": one.get("status", "ok")}
        rest |= {"pool": one.get("pool", "none")}
        name = f"layer{depth}"
        add(name, depth, "deep.noise_fraction", one["noise"], **rest)
        add(name, depth, "deep.feature_weight_alignment", one["align"], **rest, chance_high=one["high"])
        add(name, depth, "deep.direction_r2_gap", one["gap"], **rest)
        add(name, depth, "deep.direction_r2_gap", one.get("held"), **rest | {"variant": "held out"})
        add(name, depth, "rank.numerical", one.get("directions"), **rest)
    add("(network)", -1, "model.direction_r2_smallest", smallest)
    add("(network)", -1, "model.accuracy", accuracy)
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)


def said(layers, *, tau=0.2, reference=None, **rest):
    return verdicts(table(layers, **rest), tau, reference)["verdict"].tolist()


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        ({}, "collapsed"),
        ({"noise": 0.174}, "collapsed"),
        ({"noise": 0.176}, "not collapsed"),  # tau (1 - k/d) is .175
        ({"align": 0.79}, "low noise"),
        ({"align": 0.85, "high": 0.87}, "low noise"),
        ({"gap": 0.049}, "collapsed"),
        ({"gap": 0.051}, "low noise"),
        ({"d": 3}, "too narrow to tell"),
        ({"d": 4, "noise": 0.01}, "collapsed"),
        ({"d": 2}, "too narrow to tell"),
        ({"noise": None}, "not measured"),
        ({"status": "degenerate"}, "not measured"),
        ({"gap": None}, "not measured"),
        ({"gap": None, "align": 0.5}, "low noise"),
        ({"gap": 0.9, "held": 0.05}, "collapsed"),
        ({"gap": 0.0, "held": 0.06}, "low noise"),
        ({"gap": 0.0, "held": math.nan}, "not measured"),
        ({"status": "below floor", "noise": 1e-16}, "collapsed"),
    ],
)
def test_each_condition_is_its_own(given, verdict):
    assert said([given]) == [verdict]


@pytest.mark.parametrize(
    ("first", "given", "verdict"),
    [
        ({"d": 3}, {"directions": 3}, "too narrow to tell"),
        ({"d": 3}, {"directions": 2}, "too narrow to tell"),
        ({"d": 3}, {"directions": None}, "too narrow to tell"),
        ({"d": 3}, {"directions": 4}, "collapsed"),
        ({"d": 3}, {"directions": 3, "noise": 0.9}, "not collapsed"),
        ({"d": 4}, {"directions": 2}, "collapsed"),
        ({"d": 3, "pool": "mean"}, {"directions": 2}, "collapsed"),
    ],
)
def test_a_layer_that_only_hands_on_what_a_narrow_one_has_is_too_narrow_too(first, given, verdict):
    assert said([first, given])[1] == verdict
    assert said([first, {"noise": 0.9}, given])[2] == verdict


@pytest.mark.parametrize(("smallest", "verdict"), [(0.51, "collapsed"), (0.5, "not learned"), (0.0, "not learned")])
def test_a_network_that_dropped_a_direction_is_not_collapsed(smallest, verdict):
    found = verdicts(table([{}], smallest=smallest))
    assert found["verdict"].tolist() == [verdict]
    assert ("along a direction of the targets" in found["reason"][0]) == (verdict != "collapsed")


@pytest.mark.parametrize(
    ("n", "accuracy", "verdict"),
    [(2, 0.76, "collapsed"), (2, 0.74, "not learned"), (10, 0.56, "collapsed"), (10, 0.54, "not learned")],
)
def test_a_classifier_learned_where_its_accuracy_is_half_way(n, accuracy, verdict):
    assert said([{}], n=n, accuracy=accuracy, smallest=0.1) == [verdict]


def test_a_network_whose_error_is_unknown_is_not_judged():
    assert said([{}, {"noise": 0.9}], smallest=None) == ["not measured", "not collapsed"]


@pytest.mark.parametrize(("untrained", "verdict"), [(0.03, "collapsed"), (0.02, "collapsed"), (0.019, "low noise")])
def test_a_reference_with_little_noise_asks_for_less(untrained, verdict):
    given, reference = table([{"noise": 0.01}]), table([{"noise": untrained}])
    found = verdicts(given, reference=reference)
    assert found["verdict"].tolist() == [verdict]
    assert found["noise"].tolist() == [verdict == "collapsed"]
    assert ("more than half of the reference's" in found["reason"][0]) == (verdict == "low noise")
    kept = with_reference(given, reference)
    assert verdicts(kept)["verdict"].tolist() == [verdict]
    assert verdicts(kept, reference=table([{"noise": 0.9}]))["verdict"].tolist() == ["collapsed"]


@pytest.mark.parametrize("noise", [0.0, 1e-17, 1e-16])
@pytest.mark.parametrize("untrained", [0.0, 5e-17, 9e-16])
def test_a_reference_of_rounding_alone_has_no_noise_to_lose(noise, untrained):
    given = table([{"noise": noise}])
    given["floor"] = 1e-15
    held = verdicts(given, reference=table([{"noise": untrained}]))
    assert held["verdict"].tolist() == ["low noise"]
    assert held["reason"].tolist() == ["noise is low; the reference's is rounding alone, which leaves no noise to lose"]
    assert verdicts(given, reference=table([{"noise": 0.5}]))["verdict"].tolist() == ["collapsed"]
    assert verdicts(given)["verdict"].tolist() == ["collapsed"]


def test_a_reference_that_is_dead_in_a_layer_says_nothing_there():
    assert said([{}], reference=table([{"noise": 0.0, "status": "degenerate"}])) == ["collapsed"]


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        (table([{}]), "has no deep.noise_fraction of 'layer1'"),
        (table([{}, {"d": 8}]), "has d = 8 and k = 2 at 'layer1', where d = 16"),
        (table([{}, {"k": 3}]), "has d = 16 and k = 3 at 'layer1', where d = 16 and k = 2"),
        (pd.concat([table([{}, {}]), table([{}, {}], step=1)]), "this report holds several: 'a, step 0', 'a, step 1'"),
        (pd.concat([table([{}, {}]), table([{}, {}], run="b")]), "this report holds several"),
    ],
)
def test_a_reference_of_another_shape_is_refused(reference, words):
    with pytest.raises(UsageError, match=re.escape(words)):
        verdicts(table([{}, {}]), reference=reference)


@pytest.mark.parametrize(
    ("layers", "smallest", "of"),
    [
        ([{"noise": 0.9}, {"gap": None}], 0.9, 0),  # the layer behind the judged one may be collapsed
        ([{"noise": 0.9}, {}], None, 0),
        ([{"noise": 0.9}, {"noise": None}], 0.9, 1),
        ([{"gap": None}, {"noise": 0.9}], 0.9, 1),
        ([{"noise": 0.9}, {"gap": None}, {}], 0.9, 2),
    ],
)
def test_low_noise_that_cannot_be_judged_keeps_the_verdict_open(layers, smallest, of):
    found = collapse_onset(verdicts(table(layers, smallest=smallest))).iloc[0]
    assert found["of"] == of
    assert (found["said"] == "collapse cannot be told") == (of == 0)


def test_onset_is_the_first_judged_layer_from_which_all_are_collapsed():
    layers = [{"noise": 0.9}, {}, {"align": 0.1}, {"d": 3}, {}, {"d": 3}, {}, {"d": 3}]
    found = collapse_onset(verdicts(table(layers))).iloc[0]
    assert (found["layer"], found["layers"], found["of"]) == ("layer4", 2, 5)
    assert found["said"] == "collapsed from layer4 on"


def test_onset_needs_the_last_judged_layer():
    found = collapse_onset(verdicts(table([{}, {}, {"noise": 0.9}]))).iloc[0]
    assert (pd.isna(found["layer"]), found["layers"], found["said"]) == (True, 0, "not collapsed")


@pytest.mark.parametrize("layers", [[{"d": 3}], [{"noise": None}, {"d": 2}]])
def test_without_a_judged_layer_there_is_no_verdict(layers):
    found = collapse_onset(verdicts(table(layers))).iloc[0]
    assert (found["of"], found["said"]) == (0, "no layer can be judged")


def test_runs_and_steps_are_judged_apart():
    both = pd.concat([table([{}]), table([{"noise": 0.9}], run="b"), table([{}], step=3, smallest=0.1)])
    found = collapse_onset(verdicts(both)).set_index(["run", "step"])["said"]
    assert found.to_dict() == {
        ("a", 0): "collapsed from layer0 on", ("b", 0): "not collapsed", ("a", 3): "not collapsed",
    }  # fmt: skip


def test_an_older_table_has_no_verdicts():
    old = table([{"gap": None}], smallest=None).assign(chance_high=float("nan"))
    assert verdicts(old)["verdict"].tolist() == ["not measured"]


@pytest.mark.parametrize("tau", [0, 1, -0.2, "a"])
def test_a_tau_that_is_no_noise_fraction_is_refused(tau):
    with pytest.raises(UsageError, match="tau is a noise fraction"):
        verdicts(table([{}]), tau)


def test_a_layer_of_which_a_sketch_was_kept_is_not_judged_and_leaves_the_rest_open():
    def sketched(noise):
        found = table([{}, {}])
        here = (found["layer"] == "layer1") & (found["measure"] == "deep.noise_fraction")
        rows = found[here].assign(variant="sketch", value=noise)
        return pd.concat([found[~here], found[here].assign(value=math.nan, status="not defined"), rows])

    for noise, low in ((0.01, True), (0.9, pd.NA)):
        judged = verdicts(sketched(noise))
        assert judged["verdict"].tolist() == ["collapsed", "sketched"]
        assert judged["reason"][1].startswith("only a sketch of the features")
        assert judged["noise"].tolist()[1] is low
    assert collapse_onset(verdicts(sketched(0.9)))["layers"].tolist() == [1]
    unknown = sketched(0.9).query("layer != 'layer0' or measure != 'deep.noise_fraction'")
    assert collapse_onset(verdicts(unknown))["of"].tolist() == [0]
