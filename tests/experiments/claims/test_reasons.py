"""What is said of why claims do not hold: of claims that there are, in default runs alone."""

from pathlib import Path

import pytest

from experiments.claims.reasons import REASONS, explained
from experiments.studies.catalog import invocations
from experiments.studies.family import Family
from experiments.studies.mujoco import Reacher
from experiments.studies.synthetic import Synthetic

INQUIRIES = {
    inquiry.study.name: inquiry
    for command in invocations(Path("runs")).values()
    if isinstance(command, Family)
    for inquiry in command.inquiries()
}


@pytest.mark.parametrize("study", REASONS)
def test_every_reason_is_that_of_a_claim(study):
    said = {(claim.told, claim.why) for claim in explained(INQUIRIES[study]).claims}
    for word, sentences in REASONS[study].items():
        for begun, why in sentences.items():
            assert any(word in told and told.startswith(begun) and why == mine for told, mine in said), (word, begun)


@pytest.mark.parametrize(
    "command", [command for command in invocations(Path("runs")).values() if isinstance(command, Family)]
)
def test_the_document_s_studies_are_run_with_their_defaults(command):
    assert command.on_defaults


@pytest.mark.parametrize(
    "changed", [{"seeds": 1}, {"epochs": 3}, {"weight_decay": (0, 1e-3)}, {"full": True}, {"norm": "layer"}]
)
def test_of_runs_with_other_flags_nothing_is_said(changed):
    assert not Reacher(part="deep", **changed).on_defaults


def test_flags_that_choose_the_study_or_where_it_runs_change_nothing():
    assert Synthetic(sweep="noise", jobs=1, out=Path("elsewhere"), progress=False).on_defaults
    assert not Synthetic(sweep="noise", samples=100).on_defaults
