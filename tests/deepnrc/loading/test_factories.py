import sys
from pathlib import Path
from typing import Any

import pytest

from deepnrc.errors import UsageError
from deepnrc.loading.factories import call, resolve


@pytest.fixture
def net(tmp_path: Path) -> Any:
    """Write a Python file and return its spec for a name in it."""

    def write(text: str, name: str = "make", file: str = "net.py") -> str:
        path = tmp_path / file
        path.write_text(text)
        return f"{path}:{name}"

    return write


def test_a_file_is_imported_under_a_private_name_with_its_folder_on_the_path_meanwhile(net: Any) -> None:
    net("WIDTH = 7", file="width_beside_net.py")
    path, modules = list(sys.path), set(sys.modules)
    spec = net("from width_beside_net import WIDTH\ndef make():\n    import sys\n    return WIDTH, list(sys.path)\n")
    factory: Any = resolve(spec)
    made: Any = call(factory, spec)
    width, path_inside = made
    assert width == 7
    assert path_inside[0] == str(Path(spec).parent)
    assert sys.path == path
    assert all("width_beside" in name or name.startswith("_deepnrc_net_") for name in set(sys.modules) - modules)


def test_two_files_of_one_name_do_not_meet(net: Any, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    first = resolve(net("def make(): return 1"))
    second = resolve(net("def make(): return 2", file="other/net.py"))
    assert (first(), second()) == (1, 2)  # type: ignore[operator]


def test_a_module_of_the_current_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "module_of_this_folder.py").write_text("def make(): return 3")
    monkeypatch.chdir(tmp_path)
    assert resolve("module_of_this_folder:make")() == 3  # type: ignore[operator]
    assert str(tmp_path) not in sys.path
    del sys.modules["module_of_this_folder"]


@pytest.mark.parametrize("spec", ["net.py", "net.py:", ":make", "net.py:a b", "net.py:make()"])
def test_a_spec_without_a_name_is_refused(spec: str) -> None:
    with pytest.raises(UsageError, match=r"names no factory\. Write path/to/file\.py:factory or package"):
        resolve(spec)


def test_missing_files_modules_and_names_are_said(net: Any) -> None:
    with pytest.raises(UsageError, match=r"There is no Python file 'absent/net\.py'\. Check the path"):
        resolve("absent/net.py:make")
    with pytest.raises(UsageError, match=r"There is no module 'absent_package' to import 'absent_package\.nets' from"):
        resolve("absent_package.nets:make")
    with pytest.raises(UsageError, match=r"has no 'mkae'\. Did you mean 'make'\? Its callables are: 'make'\."):
        resolve(net("def make(): pass\ndef _hidden(): pass", "mkae"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "x = 1\ny = x / 0",
            r"Loading '.*net\.py' failed with ZeroDivisionError: division by zero \(net\.py, line 2\)",
        ),
        ("def make(:\n  pass", r"failed with SyntaxError: .* \(net\.py, line 1\)"),
        ("import absent_thing", r"failed with ModuleNotFoundError: No module named 'absent_thing' \(net\.py, line 1\)"),
        ("raise SystemExit", r"failed with SystemExit: \(no message\) \(net\.py, line 1\)"),
    ],
)
def test_errors_while_loading_are_chained_and_located(net: Any, text: str, words: str) -> None:
    spec, path = net(text), list(sys.path)
    with pytest.raises(UsageError, match=words) as caught:
        resolve(spec)
    assert caught.value.__cause__ is not None
    assert sys.path == path
    assert spec.rpartition(":")[0] not in [getattr(module, "__file__", None) for module in sys.modules.values()]


def test_errors_while_importing_a_module_are_chained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad_module_one.py").write_text("import absent_thing")
    with pytest.raises(UsageError, match=r"Importing 'bad_module_one' failed with ModuleNotFoundError: .*absent_thing"):
        resolve("bad_module_one:make")
    (tmp_path / "bad_module_one_more.py").write_text("import bad_module_on")
    with pytest.raises(UsageError, match=r"Importing 'bad_module_one_more' failed with ModuleNotFoundError: .*_on'"):
        resolve("bad_module_one_more:make")
    (tmp_path / "bad_module_two.py").write_text("1 / 0")
    with pytest.raises(UsageError, match=r"Importing 'bad_module_two' failed with ZeroDivisionError: division by zero"):
        resolve("bad_module_two:make")


def test_a_file_that_python_has_no_loader_for_is_refused(net: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.spec_from_file_location", lambda *_: None)
    with pytest.raises(UsageError, match=r"Python cannot load '.*net\.py' as a module"):
        resolve(net(""))


def test_errors_of_a_factory_name_its_own_line(net: Any) -> None:
    spec = net("import json\n\ndef make():\n    return json.loads('{')\n")
    with pytest.raises(
        UsageError, match=r"Calling '.*net\.py:make' failed with JSONDecodeError: .*\(net\.py, line 4\)"
    ):
        call(resolve(spec), spec)  # type: ignore[arg-type]
    spec = net("def make(width): pass", file="wide.py")
    with pytest.raises(
        UsageError, match=r"failed with TypeError: make\(\) missing 1 required positional argument: 'width'\."
    ):
        call(resolve(spec), spec)  # type: ignore[arg-type]
