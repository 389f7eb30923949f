"""`deepnrc probes` and `deepnrc selftest`."""

from collections.abc import Callable
from typing import Any

import pytest

from deepnrc import CATALOG
from deepnrc.commands import selftest

Call = Callable[..., Any]


def test_probes_prints_every_probe_with_all_that_is_known_of_it(run: Call) -> None:
    result = run("probes")
    text = " ".join(result.out.split())
    assert result.code == 0
    for probe in CATALOG:
        low, high = probe.bounds
        collapsed = "none" if probe.collapsed is None else f"{probe.collapsed:g}"
        facts = f"range [{low:g}, {high:g}]; collapsed: {collapsed}; measured at "
        asked = "" if probe.default else ", when asked for with --probes"
        parts = [f"{probe.name} ({probe.variant}) {probe.title}", probe.formula, probe.meaning, facts, probe.source]
        parts.append(f"{asked} {probe.source}" if probe.source else asked)
        parts.append(f"also called: {probe.also}" if probe.also else "")
        assert all(" ".join(part.split()) in text for part in parts), probe.name
    assert f"{len(CATALOG)} probes." in result.out
    assert max(map(len, result.out.splitlines())) <= 100


def test_probes_says_what_each_is_held_against(run: Call) -> None:
    entries = " ".join(run("probes").out.split())
    assert "held against: τ (the threshold --tau), the numerical floor" in entries
    assert "held against: target stable rank (deep.target_stable_rank)" in entries
    assert "held against: network MSE (1)" in entries
    assert entries.count("what chance gives") == sum(probe.chance is not None for probe in CATALOG)
    assert entries.count("the numerical floor") == sum(probe.floor is not None for probe in CATALOG)
    own = [probe for probe in CATALOG if probe.reference or probe.chance or probe.floor]
    assert entries.count("held against: ") == len(own) < len(CATALOG)


def test_selftest_prints_got_expected_and_error_and_fails_with_1(run: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    known = [selftest.Answer("half", 0.5, 0.5, 1e-9), selftest.Answer("two", 2.5, 2.0, 0.1)]
    monkeypatch.setattr(selftest, "answers", lambda: iter(known[:1]))
    result = run("selftest")
    assert result.code == 0
    assert result.out.splitlines()[-1] == "All known answers hold."
    monkeypatch.setattr(selftest, "answers", lambda: iter(known))
    result = run("selftest")
    assert result.code == 1
    assert result.out.splitlines()[2].split() == ["two", "2.5", "2", "2.5e-01", "FAILED"]
    assert result.out.splitlines()[-1] == "1 known answers do not hold."
