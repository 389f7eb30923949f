"""The catalogue: every study has a name, says how long it takes, and leaves a folder of its own."""

import pytest

from experiments.__main__ import parsed
from experiments.studies import COMMANDS
from experiments.studies.catalog import STUDIES, invocations
from experiments.studies.document import defaults


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_says_what_it_shows_and_how_long_it_takes(name):
    assert STUDIES[name].__doc__.strip().splitlines()[0].endswith(".")
    assert STUDIES[name].takes


@pytest.mark.parametrize("name", COMMANDS)
def test_no_flag_s_help_tells_of_an_empty_default(name, capsys):
    with pytest.raises(SystemExit):
        parsed(name, ["--help"])
    assert "(default: )" not in " ".join(capsys.readouterr().out.split())


def test_the_document_s_studies_leave_folders_of_their_own(tmp_path):
    commands = invocations(tmp_path)
    left = list(defaults(commands))
    assert len(set(left)) == len(left) >= len(commands)
    assert all(command.out == tmp_path for command in commands.values())
    assert set(map(type, commands.values())) <= set(STUDIES.values())
