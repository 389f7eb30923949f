"""The studies of experts: their cells, their claims, and their trained digits on few epochs."""

import math
from dataclasses import replace

import pytest

from deepnrc.table import published_curve
from experiments.studies.mujoco import Hopper, Reacher, Swimmer

EXPERTS = [Reacher, Swimmer, Hopper]


@pytest.mark.parametrize(("expert", "pairs"), [(Reacher, 800), (Swimmer, 800), (Hopper, 4000)])
def test_the_deep_part_has_eight_layers_without_biases_and_with(expert, pairs):
    inquiry = expert().deep()
    study = inquiry.study
    name = expert.__name__.lower()
    assert study.name == f"{name}-deep"
    assert name in study.about
    for setting in study.settings:
        data = setting.data.load(0)
        net = setting.network.build(data, 0)
        assert len(data.x) == pairs
        assert sum("weight" in name for name, _ in net.named_parameters()) == 8
        biases = sum("bias" in name for name, _ in net.named_parameters())
        assert biases == (0 if setting.facts["form"] == "bias-free" else 8)
        assert setting.network.last_relu == (setting.facts["form"] == "bias-free")
    assert study.settings[0].recipe.weight_decay == 0
    assert len(inquiry.claims) == 18


@pytest.mark.parametrize("expert", EXPERTS)
def test_the_top_part_crosses_scales_heads_and_weight_decays(expert):
    study = expert().top().study
    kinds = {(s.data.targets, s.network.last_relu, s.recipe.weight_decay > 0) for s in study.settings}
    assert kinds == {(t, r, d) for t in ("standardise", "centre") for r in (False, True) for d in (False, True)}
    assert {(s.network.hidden, s.network.bias) for s in study.settings} == {((256,) * 3, True)}
    assert "nrc.*" in study.settings[0].probe["probes"]
    assert "nrc.1_centred" in study.measures
    assert f"{expert.__name__.lower()}-joint does" in study.about


def test_full_is_the_published_budget():
    assert Reacher(full=True).deep().study.settings[0].network.hidden == (512,) * 7
    deep = Reacher(full=True).deep().study.settings
    assert {(s.recipe.lr, s.recipe.momentum, s.recipe.epochs) for s in deep} == {(0.05, 0.9, 1000)}
    assert {s.recipe.weight_decay for s in deep} == {0, 1e-4}
    top = Swimmer(full=True).top().study
    assert {(s.recipe.lr, s.recipe.momentum, s.recipe.epochs) for s in top.settings} == {(0.01, 0.0, 200_000)}
    assert {s.recipe.weight_decay for s in top.settings} == {0, 5e-5, 5e-4, 5e-3, 1e-2}
    assert len(Hopper(full=True).top().claims) == len(Swimmer(full=True).top().claims)


def test_given_flags_reach_all_parts():
    given = Swimmer(weight_decay=(0.2, 0.0), epochs=7, lr=0.3, seeds=2, optimizer="adam", norm="layer")
    for study in (inquiry.study for inquiry in given.inquiries()):
        assert {s.recipe.weight_decay for s in study.settings} == {0.0, 0.2}
        assert {(s.recipe.epochs, s.recipe.lr, s.recipe.optimizer) for s in study.settings} == {(7, 0.3, "adam")}
        assert {s.network.norm for s in study.settings} == {"layer"}
        assert study.settings[0].recipe.weight_decay == 0
        assert study.seeds == (0, 1)


def test_an_empty_list_of_weight_decays_is_refused():
    with pytest.raises(ValueError, match="--weight-decay needs at least one value"):
        Swimmer(weight_decay=()).inquiries()


@pytest.mark.usefixtures("anything_counts_as_learned")
def test_a_deep_study_runs_and_gets_its_numbers(swept):
    inquiry = Swimmer(epochs=2, seeds=1, weight_decay=(0.0, 1e-3)).deep()
    results = swept(inquiry.study)
    found = inquiry.verdicts(results)
    assert not any(math.isnan(v.measured) for v in [*found[:3], *found[6:9]])
    assert len(results.by_layer("deep.noise_fraction")) == 8


def narrow(study, width):
    """The same study of networks this wide."""
    networks = (replace(s.network, hidden=(width,) * len(s.network.hidden)) for s in study.settings)
    settings = (replace(s, network=network) for s, network in zip(study.settings, networks, strict=True))
    return replace(study, settings=tuple(settings))


def test_a_top_study_runs_and_gets_its_numbers(swept):
    inquiry = Swimmer(epochs=1, seeds=1, weight_decay=(0.0, 1e-2)).top()
    results = swept(narrow(inquiry.study, 32))
    assert not any(math.isnan(v.measured) for v in inquiry.verdicts(results))
    for measure in inquiry.study.measures:
        assert results.top(measure).notna().all(), measure


def test_nrc_3_falls_by_the_ratio_of_no_decay_to_most(made):
    values = {"scaled, linear, 0": 9.0, "raw, ReLU, 0": 0.6, "raw, ReLU, 1": 0.3, "raw, ReLU, 5": 0.02}
    facts = {label: {"targets": label[:3], "last_relu": "ReLU" in label} for label in values}
    results = made({k: {0: {"nrc.3": {3: v}}} for k, v in values.items()}, decays=[0.0, 0.0, 1.0, 5.0], apart=facts)
    claim = Swimmer().top().claims[-1]
    assert claim.measured(results) == pytest.approx(30)
    assert claim.against(30).holds
    assert not claim.against(9).holds


def test_nrc_3_without_a_run_without_decay_is_not_measurable(made):
    for relu in (True, False):
        facts = {"a": {"targets": "raw", "last_relu": relu}}
        results = made({"a": {0: {"nrc.3": {3: 1.0}}}}, decays=[1.0], apart=facts)
        assert math.isnan(Swimmer().top().claims[-1].measured(results))


@pytest.mark.parametrize(
    ("part", "names"),
    [
        ("all", ["swimmer-deep", "swimmer-top", "swimmer-joint"]),
        ("both", ["swimmer-deep", "swimmer-top"]),
        ("top", ["swimmer-top"]),
        ("joint", ["swimmer-joint"]),
    ],
)
def test_a_part_can_be_run_alone(part, names):
    assert [inquiry.study.name for inquiry in Swimmer(part=part).inquiries()] == names


@pytest.mark.parametrize("expert", EXPERTS)
def test_the_joint_part_reads_all_three_off_the_same_networks(expert):
    inquiry = expert().joint()
    study = inquiry.study
    assert len({(s.facts["last_relu"], s.recipe.weight_decay) for s in study.settings}) == len(study.settings) == 4
    assert {(s.network.hidden, s.network.bias, s.data.targets) for s in study.settings} == {
        ((256,) * 3, True, "centre")
    }
    assert all(s.recipe.batch == len(s.data.load(0).x) * 5 // 4 for s in study.settings)  # a fifth is held out
    assert all(s.recipe.decay_time(800) > 5 for s in study.settings if s.recipe.weight_decay)
    told = [claim.against(0).statement for claim in inquiry.claims]
    assert sum("All three in one network" in statement for statement in told) == 4
    assert [("centred rows" in statement, "no last ReLU" in statement) for statement in told[:2] + told[-2:]] == [
        (True, False), (True, False), (False, True), (False, True),
    ]  # fmt: skip
    assert "literal nrc.1 and nrc.2 do not vanish" in told[2]


def test_a_joint_study_of_one_head_says_what_it_has():
    assert "stand beside" not in Swimmer(head="relu").joint().study.about
    inquiry = Swimmer(head="linear").joint()
    assert not any(setting.network.last_relu for setting in inquiry.study.settings)
    assert len(inquiry.claims) == 2


def test_the_joint_part_at_full_size_is_the_published_training():
    recipes = {(s.recipe.lr, s.recipe.momentum, s.recipe.epochs) for s in Hopper(full=True).joint().study.settings}
    assert recipes == {(0.01, 0.0, 200_000)}


@pytest.mark.usefixtures("anything_counts_as_learned")
def test_a_joint_study_runs_and_gets_its_numbers(swept):
    inquiry = Swimmer(epochs=1, seeds=1, head="relu").joint()
    results = swept(narrow(inquiry.study, 32))
    assert not any(math.isnan(v.measured) for v in inquiry.verdicts(results))


def test_hopper_is_shown_with_too_much_weight_decay_as_well(made):
    claim = Hopper().top().claims[-1]
    assert claim.where == {"targets": "raw", "last_relu": False, "weight_decay": 0.01}
    values = {"none": {0: {"m": [1.0]}}, "most": {0: {"m": [1.0]}, 1: {"m": [1.0]}}}
    facts = {label: {"targets": "raw", "last_relu": False} for label in values}
    results = made(values, decays=[0.0, 0.01], apart=facts)
    shares = ([0.9, 0.8], [0.9, 0.0], [0.9, 0.1])
    records = tuple(r | {"explained": s} for r, s in zip(results.records, shares, strict=True))
    assert claim.measured(replace(results, records=records)) == pytest.approx(0.05)
    none = tuple(r | {"explained": [0.1, 0.0]} for r in results.records)  # nothing is learned: nothing is dropped
    assert math.isnan(claim.measured(replace(results, records=none)))
    assert len(Hopper(weight_decay=(0.0,)).top().claims) == len(Swimmer().top().claims) == 5


@pytest.mark.parametrize(("head", "relus"), [("own", {False, True}), ("relu", {True}), ("linear", {False})])
def test_one_head_can_be_asked_for(head, relus):
    settings = Swimmer(head=head, bias="no").top().study.settings
    assert {s.network.last_relu for s in settings} == relus
    assert len({s.label for s in settings}) == len(settings)
    assert not any(s.network.bias for s in settings)


@pytest.mark.parametrize("flags", [{"bias": "yes"}, {"head": "linear", "bias": "no"}])
def test_a_network_that_is_asked_for_is_not_called_published(flags):
    inquiry = Swimmer(**flags).deep()
    assert {s.facts["form"] for s in inquiry.study.settings} == {"as asked"}
    assert len(inquiry.claims) == 9
    assert inquiry.study.beside == ()
    assert all("(as asked)" in claim.against(0).statement for claim in inquiry.claims)


@pytest.mark.parametrize("expert", EXPERTS)
def test_the_most_decayed_bias_free_networks_stand_beside_the_published_ones(expert):
    study = expert().deep().study
    (beside,) = study.beside
    setting = next(setting for setting in study.settings if setting.label == beside.label)
    assert setting.facts["form"] == "bias-free"
    free = [s.recipe.weight_decay for s in study.settings if s.facts["form"] == "bias-free"]
    assert setting.recipe.weight_decay == max(free)
    curve = published_curve("deep.noise_fraction", beside.published)
    assert curve.layers == len(setting.network.hidden) + 1
    assert curve.k == setting.data.load(0).y.shape[1]
    assert "not the authors'" in beside.words
