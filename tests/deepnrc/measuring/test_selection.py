from typing import Any

import pytest

from deepnrc import CATALOG, Directions, Moments, Probe, UsageError
from deepnrc.measuring.selection import select, statistics
from probes import Batch, CentredDirections, Opening, Part, Pass


def mine(name: str = "my.trace", **changes: Any) -> Probe:
    return Probe(name, lambda S_H: float(S_H.trace()), "Trace", **changes)


def test_by_default_all_but_what_is_costly_and_nothing_that_takes_a_second_pass() -> None:
    chosen = select(None)
    assert chosen == tuple(probe for probe in CATALOG if probe.default)
    assert {"nrc.1_centred", "nrc.2_centred"}.isdisjoint(probe.name for probe in chosen)
    assert all(kind.in_pass is Pass.FIRST for kind in statistics(chosen).values())


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ("deep.noise", {"deep.noise"}),
        ("deep.noise*", {"deep.noise", "deep.noise_fraction", "deep.noise_alignment"}),
        (["nrc.?", "model.[ma]*"], {"nrc.1", "nrc.2", "nrc.3", "model.mse", "model.accuracy"}),
        (("nrc.1_centred",), {"nrc.1_centred"}),
        (iter(["deep.cka"]), {"deep.cka"}),
    ],
)
def test_names_and_globs(wanted: Any, names: set[str]) -> None:
    assert {probe.name for probe in select(wanted)} == names


def test_a_name_stands_for_all_its_variants_and_nothing_is_chosen_twice() -> None:
    chosen = select(["deep.cka", "deep.c*", "deep.cka"])
    assert [(probe.name, probe.variant) for probe in chosen if probe.name == "deep.cka"] == [
        ("deep.cka", "default"),
        ("deep.cka", "signal"),
        ("deep.cka", "first n columns"),
    ]
    assert len(set(chosen)) == len(chosen)


def test_probes_of_one_s_own_stand_beside_the_catalog_s() -> None:
    own = mine()
    assert select(own) == (own,)
    assert select([own, "deep.cka", own]) == (own, *select("deep.cka"))
    variant = mine("deep.cka", variant="mine")
    assert variant in select(["deep.cka", variant])


def test_unknown_names_are_refused_with_the_nearest() -> None:
    words = r"There is no probe 'deep\.nois'\. Did you mean 'deep\.noise'.*\? `deepnrc probes` lists all \d+\."
    with pytest.raises(UsageError, match=words):
        select(["deep.cka", "deep.nois"])
    with pytest.raises(UsageError, match=r"There is no probe 'weights\.\*'\. `deepnrc probes` lists all"):
        select("weights.*")


def test_nothing_and_other_things_are_refused() -> None:
    with pytest.raises(UsageError, match=r"probes=\[\] measures nothing\. Leave it out for all, or name some"):
        select([])
    for wanted in (3, [3], ["deep.cka", None]):
        with pytest.raises(UsageError, match=r"probes may hold names, globs and deepnrc\.Probe objects, not (3|None)"):
            select(wanted)  # type: ignore[arg-type]


def test_two_probes_of_one_name_and_variant_are_refused() -> None:
    with pytest.raises(UsageError, match=r"Two different probes are called 'deep\.cka' with the variant 'default'\."):
        select(["deep.*", mine("deep.cka")])


def test_only_the_statistics_that_are_needed_are_streamed() -> None:
    assert set(statistics(select("deep.*"))) <= {"moments"}
    assert statistics(select(["nrc.1", "nrc.2"])) == {"directions": Directions, "moments": Moments}
    assert statistics(select("nrc.1_centred")) == {"centred_directions": CentredDirections}
    assert set(statistics(select("nc.4"))) == {"classes", "nearest"}


def test_a_statistic_of_the_catalog_is_there_for_whoever_reads_it() -> None:
    own = Probe("my.dropped", lambda directions: float(directions.dropped), "Dropped")
    assert statistics(select(own)) == {"directions": Directions}


class Peak:
    """A statistic that keeps the contract."""

    in_pass = Pass.FIRST
    needs = Part.NONE

    @classmethod
    def begin(cls, opening: Opening) -> "Peak":
        return cls()

    def update(self, batch: Batch) -> None: ...

    def merge(self, other: "Peak") -> None: ...


class Other(Peak): ...


def bringing(name: str, kind: Any, of: str = "my.peak") -> Probe:
    return Probe(of, eval(f"lambda {name}: 1.0"), "Peak", statistics={name: kind})


def test_a_probe_brings_its_statistic_along() -> None:
    own = bringing("peak", Peak)
    assert statistics(select([own, "nrc.2"])) == {"peak": Peak, "directions": Directions}
    assert select([own, bringing("peak", Peak, of="my.other")])
    assert hash(own) == hash(bringing("peak", Peak)) or own != bringing("peak", Peak)


def test_two_statistics_of_one_name_are_refused() -> None:
    with pytest.raises(UsageError, match=r"'my\.other' brings Other along as the statistic 'peak', .* brings Peak\."):
        select([bringing("peak", Peak), bringing("peak", Other, of="my.other")])


@pytest.mark.parametrize("name", ["moments", "directions", "classes", "nearest", "features", "k", "S_W"])
def test_a_statistic_whose_name_stands_for_something_else_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=rf"'my\.peak' brings a statistic '{name}' along, and that name is taken"):
        select(bringing(name, Peak))


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Peak(), r"it is <.*Peak object"),
        (type("Old", (), {"update": 1, "merge": 1}), r"without 'begin', 'update', 'merge'\."),
        (type("Numbered", (Peak,), {"in_pass": 1}), r"must be a class with in_pass = probes\.Pass\.FIRST or SECOND"),
        (type("Worded", (Peak,), {"needs": ("classes",)}), r"needs = probes\.Part\.NONE or what it needs"),
        (type("Final", (Peak,), {"merge": None}), r"Final'>, without 'merge'\."),
    ],
)
def test_a_statistic_that_does_not_keep_the_contract_is_refused(kind: Any, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        select(bringing("peak", kind))


def test_a_probe_that_reads_what_does_not_exist_is_refused() -> None:
    with pytest.raises(UsageError, match=r"The probe 'my.own' reads 'feature', .* Did you mean 'features'"):
        select(Probe("my.own", lambda feature: 1.0, "Mine"))


def test_a_probe_for_no_known_place_is_refused() -> None:
    with pytest.raises(UsageError, match=r"where='layers'. Choose from layer, top, network"):
        select(Probe("my.own", lambda d: 1.0, "Mine", where="layers"))


def test_a_probe_that_holds_a_list_is_refused() -> None:
    with pytest.raises(UsageError, match=r"'my\.trace' has bounds=\[0, 1\], .*Give it as a tuple"):
        select([mine(bounds=[0, 1])])
