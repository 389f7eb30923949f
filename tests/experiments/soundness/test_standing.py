import pandas as pd
import pytest

from experiments.soundness import Standing
from experiments.soundness.standing import KINDS, counts, judged


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_is_called_what_it_is(kind):
    seeds = range(0, 40, 4) if KINDS[kind][1] else range(8)
    found = [judged(kind, seed) for seed in seeds]
    assert [row["words"] for row in found if row["called"] != row["collapsed"]] == []


def test_the_counts_name_what_is_wrong(tmp_path, capsys):
    Standing(count=1, jobs=1, out=tmp_path, document=tmp_path / "docs" / "counts.md", progress=False).run()
    printed = capsys.readouterr().out
    assert "| collapsed by construction | 40 |" in printed
    assert "WRONG" not in printed
    written = (tmp_path / "docs" / "counts.md").read_text()
    assert written.startswith("# Whether verdicts can be trusted\n")
    assert written.endswith((tmp_path / "verdicts.md").read_text())
    read = pd.read_csv(tmp_path / "verdicts.csv")
    assert len(read) == 42
    assert counts(read.assign(called=~read["called"])).splitlines()[2].endswith("| 1 | 1 |")


def test_no_networks_are_refused(tmp_path):
    with pytest.raises(ValueError, match="--count and --jobs must be at least 1"):
        Standing(count=0, out=tmp_path).run()
