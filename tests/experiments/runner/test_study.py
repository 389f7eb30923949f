"""Descriptions: what they refuse."""

import pytest

from experiments.networks.mlp import Mlp


def test_no_settings_or_no_seeds_are_refused(study, setting):
    with pytest.raises(ValueError, match="'tiny' has 1 settings and 0 seeds; give some"):
        study(setting("a"), seeds=())


def test_a_label_used_twice_is_refused(study, setting):
    with pytest.raises(ValueError, match="More than one setting is called 'a'"):
        study(setting("a"), setting("b"), setting("a", 0.1))


@pytest.mark.parametrize("name", ["rank", "step", "setting", "seed"])
def test_a_fact_named_as_a_column_is_refused(study, setting, name):
    with pytest.raises(ValueError, match=f"has a column '{name}' of its own"):
        setting("a", apart={name: 3})


def test_a_network_that_cannot_be_is_refused_at_once():
    with pytest.raises(ValueError, match="at least 1 unit; the widths are"):
        Mlp((8, 0))


def test_a_network_takes_its_ends_from_the_data(setting):
    described = setting("a", network=Mlp((7, 5), bias=True, last_relu=False, norm="layer"))
    net = described.network.build(described.data.load(0), seed=0)
    assert (net.layer1.in_features, net.layer3.out_features) == (6, 4)
    assert net.layer1.bias is not None
    assert [name for name, _ in net.named_children()] == ["layer1", "norm1", "relu1", "layer2", "norm2", "layer3"]


@pytest.mark.parametrize(
    ("apart", "words"),
    [({"last ReLU": True}, "name is an identifier, such as last_relu; 'last ReLU' is none"),
     ({"weight_decay": 1e-3}, "The weight decay is the recipe's, 0.01; leave the fact out"),
     ({"targets": ["raw"]}, "a string, a number or a bool; targets is a list")],
)  # fmt: skip
def test_facts_are_plain_and_the_weight_decay_stands_once(setting, apart, words):
    with pytest.raises(ValueError, match=words):
        setting("a", 1e-2, apart=apart)


def test_what_is_swept_is_a_fact(study, setting):
    with pytest.raises(ValueError, match="No setting has the swept fact 'layers'; there are weight_decay"):
        study(setting("a"), sweep="layers")


def test_a_label_is_made_of_the_facts(setting):
    facts = {"targets": "raw", "last_relu": False, "hidden_layers": 3}
    assert setting("", 1e-3, apart=facts).label == "raw, no last ReLU, hidden layers 3, weight decay 0.001"
    assert setting("", 0.0, apart={"last_relu": True}).label == "last ReLU, weight decay 0"
    assert setting("named", 1e-3, apart=facts).label == "named"
    assert setting("", 1e-3, apart=facts, epochs=0).facts["weight_decay"] is None


def test_a_setting_has_facts_by_name_and_value(setting):
    made = setting("a", 1e-2, apart={"targets": "raw"})
    assert made.has({})
    assert made.has({"targets": "raw", "weight_decay": 0.01})
    assert not made.has({"targets": "scaled"})
    assert not made.has({"weight_decay": None})
    assert not made.has({"loss": None})
