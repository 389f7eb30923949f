"""What is asked of a dataflow, on ones written down by hand."""

from dataclasses import replace

import pytest

from deepnrc.networks.dataflow.flow import Dataflow, Giving, Link

CHAIN = Dataflow(
    links=(Link("a", "b", ("ReLU",)), Link("b", "c")),
    outputs={"": Giving(("c",))},
    runs={"a": 1, "b": 1, "c": 1},
)


def test_in_a_chain_each_weight_is_followed_by_the_next():
    assert CHAIN.following("a") == (CHAIN.links[0], "")
    assert CHAIN.following("b") == (CHAIN.links[1], "")
    assert CHAIN.leading_nowhere() == frozenset()


@pytest.mark.parametrize(
    ("flow", "reason"),
    [
        (replace(CHAIN, unknown="no graph"), "no graph"),
        (replace(CHAIN, hidden="a hook"), "a hook"),
        (replace(CHAIN, runs={**CHAIN.runs, "a": 2}), "the weight is used 2 times in a pass"),
        (replace(CHAIN, runs={"b": 1, "c": 1}), "the weight is used 0 times in a pass"),
        (replace(CHAIN, runs={**CHAIN.runs, "b": 3}), "the next weight, 'b', is used 3 times in a pass"),
        (replace(CHAIN, links=CHAIN.links[1:]), "no weight reads what this one gives"),
        (replace(CHAIN, links=(*CHAIN.links, Link("a", "c"))), "2 weights read what this one gives: 'b', 'c'"),
        (
            replace(CHAIN, outputs={"": Giving(("c",)), "features": Giving(("a",))}),
            "what this weight gives is an output of the network too, 'features'",
        ),
        (replace(CHAIN, links=(Link("a", "b", (), alone=False),)), "'b' reads it together with what else comes in"),
        (
            replace(CHAIN, links=(Link("a", "b", ("ReLU", "attention")),)),
            "more than elementwise activations: attention",
        ),
    ],
)
def test_what_does_not_go_on_to_one_weight_alone_is_followed_by_none_and_says_why(flow, reason):
    link, why = flow.following("a")
    assert link is None
    assert reason in why


def test_weights_that_lead_to_no_output_are_told_through_any_number_of_links():
    aside = replace(CHAIN, links=(*CHAIN.links, Link("p", "q")), runs={**CHAIN.runs, "p": 1, "q": 1})
    assert aside.leading_nowhere() == {"p", "q"}
    assert replace(aside, links=(*aside.links, Link("q", "b"))).leading_nowhere() == frozenset()


def test_an_output_that_is_not_known_has_no_weights_and_a_reason():
    assert CHAIN.giving("") == Giving(("c",))
    assert CHAIN.giving("mean").missing == CHAIN.giving(None).missing == "which output predicts is unknown"
    assert replace(CHAIN, unknown="no graph").giving("").missing == "no graph"


def test_weights_may_go_by_other_names():
    flow = Dataflow(
        (Link("a", "b"),),
        {"": Giving(("b",))},
        {"a": 1, "b": 2},
        shortcuts={"b": ("a", "c")},
        readers={"block": ("b",)},
    )
    assert flow.renamed({"b": "b.base_layer"}) == Dataflow(
        (Link("a", "b.base_layer"),),
        {"": Giving(("b.base_layer",))},
        {"a": 1, "b.base_layer": 2},
        shortcuts={"b.base_layer": ("a", "c")},
        readers={"block": ("b.base_layer",)},
    )
