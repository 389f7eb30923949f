"""Descriptions: what they refuse."""

import pytest

from experiments.runner.study import Mlp


def test_no_settings_or_no_seeds_are_refused(study, setting):
    with pytest.raises(ValueError, match="'tiny' has 1 settings and 0 seeds; give some"):
        study(setting("a"), seeds=())


def test_a_label_used_twice_is_refused(study, setting):
    with pytest.raises(ValueError, match="More than one setting is called 'a'"):
        study(setting("a"), setting("b"), setting("a", 0.1))


@pytest.mark.parametrize("name", ["rank", "step", "setting", "seed"])
def test_a_fact_named_as_a_column_is_refused(study, setting, name):
    with pytest.raises(ValueError, match=f"has a column '{name}' of its own"):
        study(setting("a", facts={name: 3}))


def test_a_network_that_cannot_be_is_refused_at_once():
    with pytest.raises(ValueError, match="at least 1 unit; the widths are"):
        Mlp((8, 0))


def test_a_network_takes_its_ends_from_the_data(setting):
    described = setting("a", network=Mlp((7, 5), bias=True, last_relu=False, norm="layer"))
    net = described.network.build(described.data.load(0), seed=0)
    assert (net.layer1.in_features, net.layer3.out_features) == (6, 4)
    assert net.layer1.bias is not None
    assert [name for name, _ in net.named_children()] == ["layer1", "norm1", "relu1", "layer2", "norm2", "layer3"]
