import sys
from pathlib import Path

import pytest

from deepnrc.errors import UsageError, require


def test_an_installed_package_is_imported() -> None:
    assert require("json", "").__name__ == "json"


def test_a_missing_package_says_how_to_install_it() -> None:
    with pytest.raises(
        UsageError, match=r"needs the package 'no_such_package', which is not installed\. pip install x"
    ):
        require("no_such_package", "pip install x")
    with pytest.raises(UsageError, match=r"needs the package 'no_such_package\.part', which is not installed"):
        require("no_such_package.part", "")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("raise RuntimeError('operator torchvision::nms does not exist')", "RuntimeError: operator torchvision::nms"),
        ("import no_such_dependency", "ModuleNotFoundError: No module named 'no_such_dependency'"),
        ("raise OSError('libcudart.so: cannot open')", "OSError: libcudart"),
    ],
)
def test_a_broken_package_says_why_it_cannot_be_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, words: str
) -> None:
    (tmp_path / "broken_package.py").write_text(line)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(
        UsageError,
        match=r"^The package 'broken_package' is installed but cannot be imported \(.*\)\. If .* the two builds do not",
    ) as caught:
        require("broken_package", "")
    assert words in str(caught.value)
    assert "broken_package" not in sys.modules
