"""Commands about the instrument itself: its probes, and its self-test."""

from __future__ import annotations

import shutil
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deepnrc.commands.base import GOOD, Command

if TYPE_CHECKING:
    from probes import Probe


@dataclass(frozen=True)
class Probes(Command):
    """List every probe: definition, range, value at collapse, paper and variant."""

    def run(self) -> int:
        from probes import CATALOG

        width = min(100, shutil.get_terminal_size((100, 24)).columns)
        for probe in CATALOG:
            low, high = (f"{bound:g}" for bound in probe.bounds)
            collapsed = "none" if probe.collapsed is None else f"{probe.collapsed:g}"
            where = {"layer": "every layer", "top": "the last layer", "network": "once"}[probe.where]
            print(f"{probe.name}  ({probe.variant})  {probe.title}")
            facts = f"range [{low}, {high}]; collapsed: {collapsed}; measured at {where}"
            facts += " where the targets are classes" if probe.classes else ""
            facts += "" if probe.default else ", when asked for with --probes"
            also = f"also called: {probe.also}" if probe.also else ""
            for text in (probe.formula, probe.meaning, _levels(probe), facts, probe.source, also):
                if text:
                    print(textwrap.fill(text, width, initial_indent="    ", subsequent_indent="    "))
        print(f"\n{len(CATALOG)} probes. Notation: rows are samples; k is the signal rank; covariances divide by N.")
        return GOOD


def _levels(probe: Probe) -> str:
    """What a measure's values are held against; "" where there is nothing."""
    own, found = probe.reference, []
    if own is not None:
        value = "the threshold --tau" if own.threshold else own.measure or f"{own.level:g}"
        found.append(f"{own.words} ({value})")
    found += ["what chance gives"] if probe.chance else []
    found += ["the numerical floor"] if probe.floor else []
    return f"held against: {', '.join(found)}" if found else ""


@dataclass(frozen=True)
class SelfTest(Command):
    """Check the instrument against known answers: prints what was read, what is expected, and the error."""

    def run(self) -> int:
        from deepnrc.commands.selftest import answers

        print(f"{'known answer':<58} {'got':>22} {'expected':>22} {'error':>9}")
        failed = 0
        for answer in answers():
            failed += not answer.holds
            mark = "" if answer.holds else "  FAILED"
            print(f"{answer.name:<58} {answer.got:>22.15g} {answer.expected:>22.15g} {answer.error:>9.1e}{mark}")
        print("All known answers hold." if not failed else f"{failed} known answers do not hold.")
        return GOOD if not failed else 1
