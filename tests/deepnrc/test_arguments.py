import pytest

from deepnrc import Table, UsageError
from deepnrc.arguments import as_bytes, check_tau, in_full, whole
from deepnrc.measuring import select
from deepnrc.table import COLUMNS

NAMES = ["nc.1", "nrc.1", "deep.noise", "deep.noise_fraction", "mine.x.y"]


@pytest.mark.parametrize(
    ("asked", "meant"),
    [("noise_fraction", "deep.noise_fraction"), ("noise", "deep.noise"), ("x.y", "mine.x.y"), ("nc.1", "nc.1")],
)
def test_the_last_word_is_enough(asked: str, meant: str) -> None:
    assert in_full(asked, NAMES) == meant


def test_what_none_has_stays_and_what_several_have_is_refused_with_these() -> None:
    assert in_full("fraction", NAMES) == "fraction"
    with pytest.raises(
        UsageError, match=r"'1' may be each of 2 measures\. Say measure='nc\.1' or 'nrc\.1'\."
    ) as refused:
        in_full("1", NAMES)
    assert refused.value.choices == ("nc.1", "nrc.1")


def test_tables_and_probes_take_it() -> None:
    blank = {name: "" if kind == "str" else None for name, kind in COLUMNS.items()}
    facts = {"run": "a", "step": 0, "depth": 0, "layer": "fc", "variant": "default", "n_samples": 1, "dim": 1}
    numbers = dict.fromkeys(["value", "chance", "chance_high", "floor", "corrected", "low", "high", "reference"], 0.5)
    rows = [{**blank, **facts, **numbers, "target_dim": 1, "measure": name} for name in NAMES]
    table = Table.of(rows)
    assert table.values("noise_fraction")["measure"].tolist() == ["deep.noise_fraction"]
    assert table.where(measure=["noise", "nc.1"]).measures == ["nc.1", "deep.noise"]
    assert {probe.name for probe in select(["noise_fraction", "cka"])} == {"deep.noise_fraction", "deep.cka"}
    with pytest.raises(UsageError, match=r"Say probes='nrc\.1' or 'nc\.1'"):
        select("1")


@pytest.mark.parametrize(
    ("given", "found"),
    [(7, 7), ("7", 7), ("7B", 7), ("4GB", 4 * 10**9), ("4 g", 4 * 10**9), ("1.5kB", 1500), ("2 MiB", 2 * 1024**2)],
)
def test_sizes_in_words_are_bytes(given, found):
    assert as_bytes(given) == found


@pytest.mark.parametrize("given", ["", "GB", "-1GB", "4 giga", "1e9", "7iB", 0, -3, 1.5, True, None, [4]])
def test_what_is_no_size_is_refused(given):
    with pytest.raises(UsageError, match="memory is a size such as '4GB', or a number of bytes"):
        as_bytes(given)


def test_whole_numbers_and_thresholds():
    assert whole(3, "A step") == 3
    for refused in (lambda: whole(True, "A step"), lambda: whole(1.0, "A step"), lambda: check_tau(1.0)):
        with pytest.raises(UsageError):
            refused()
