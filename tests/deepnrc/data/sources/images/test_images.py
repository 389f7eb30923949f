from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from deepnrc.data.sources import load_data
from deepnrc.errors import DataError, UsageError

pytest.importorskip("torchvision.transforms")


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    """A folder with three images of one colour each, 40 x 30 pixels."""
    folder = tmp_path / "faces"
    (folder / "more").mkdir(parents=True)
    for name, colour in (("a.png", "black"), ("b.png", "white"), ("more/c.png", "red")):
        Image.new("RGB", (40, 30), colour).save(folder / name)
    return folder


def _labels(folder: Path, text: str) -> str:
    (folder.parent / "labels.csv").write_text(text)
    return str(folder.parent / "labels.csv")


def _load(folder: Path, text: str, **options: Any) -> list[Any]:
    return list(load_data(str(folder), targets=[_labels(folder, text)], **options))


def test_images_come_beside_the_targets_of_their_rows(faces: Path) -> None:
    text = "file,age,weight\nb.png,30,70.5\nmore/c.png,40,80\na.png,20,60\n"
    ((x, y),) = _load(faces, text, image_size=8)
    assert x.shape == (3, 3, 8, 8)
    assert y.tolist() == [[30, 70.5], [40, 80], [20, 60]]
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    colours = torch.tensor([[1.0, 1, 1], [1, 0, 0], [0, 0, 0]])
    assert torch.allclose(x.mean((2, 3)), (colours - mean) / std, atol=1e-5)


def test_the_size_is_224_and_the_dtype_as_asked_for(faces: Path) -> None:
    ((x, y),) = _load(faces, "file,age\na.png,20\nb.png,30\nmore/c.png,1\n", dtype=torch.float64)
    assert x.shape == (3, 3, 224, 224)
    assert x.dtype == y.dtype == torch.float64


def test_one_column_of_text_holds_classes(faces: Path) -> None:
    with pytest.warns(UserWarning, match="'who' .* holds words, which are read as 2 classes"):
        ((_, y),) = _load(faces, "file,who\na.png,man\nb.png,boy\nmore/c.png,man\n", image_size=8)
    assert y.dtype == torch.int64
    assert y.tolist() == [1, 0, 1]


def test_a_row_of_text_among_numbers_is_named_by_its_place_in_the_file(faces: Path) -> None:
    text = "name,age\nabsent.png,9\na.png,1\nb.png,2\nmore/c.png,?\n"
    with (
        pytest.warns(UserWarning, match="name no file"),
        pytest.raises(
            DataError, match=r"column 'age' .* holds numbers, but text in 1 of its 3 rows, first '\?' in row 4"
        ),
    ):
        _load(faces, text)


def test_file_names_of_digits_stay_text(faces: Path) -> None:
    Image.new("L", (4, 4)).save(faces / "007.png")
    (faces / "007.png").rename(faces / "007")
    for name in ("a.png", "b.png", "more/c.png"):
        (faces / name).unlink()
    ((x, _),) = _load(faces, "file,age\n007,3\n", image_size=8)
    assert x.shape == (1, 3, 8, 8)


@pytest.mark.parametrize(("options", "side"), [({}, 160), ({"image_size": 96}, 96)])
def test_a_timm_network_gets_its_own_preparation(faces: Path, options: dict[str, int], side: int) -> None:
    timm = pytest.importorskip("timm")
    model = timm.create_model("test_resnet")
    text = "file,age\na.png,20\nb.png,30\nmore/c.png,1\n"
    ((x, _),) = _load(faces, text, model=model, **options)
    config = timm.data.resolve_model_data_config(model)
    prepare = timm.data.create_transform(**{**config, "input_size": (3, side, side)})
    assert torch.equal(x[2], prepare(Image.open(faces / "more/c.png")))


def test_a_grey_network_gets_grey_images_and_a_stranger_one_is_refused(faces: Path) -> None:
    text, grey = "file,age\na.png,20\nb.png,30\nmore/c.png,1\n", nn.Identity()
    grey.pretrained_cfg = {"input_size": (1, 28, 28), "mean": (0.5,), "std": (0.5,)}  # type: ignore[assignment]
    ((x, _),) = _load(faces, text, model=grey)
    assert x.shape == (3, 1, 28, 28)
    grey.pretrained_cfg = {"input_size": (4, 28, 28)}  # type: ignore[assignment]
    with pytest.raises(UsageError, match=r"takes images of 4 channels; only 1 \(grey\) and 3 \(RGB\) can be read"):
        _load(faces, text, model=grey)


def test_images_and_rows_without_a_partner_are_counted(faces: Path) -> None:
    with pytest.warns(UserWarning) as caught:  # noqa: PT030
        ((_, y),) = _load(faces, "file,age\na.png,20\nz.png,30\ny.png,\n", image_size=8)
    assert y.tolist() == [[20]]
    rows, images = (str(warning.message) for warning in caught)
    assert "2 of 3 rows of" in rows
    assert "name no file and are left out: 'z.png', 'y.png'." in rows
    assert "2 of 3 images in" in images
    assert "are left out: 'b.png', 'more/c.png'." in images


@pytest.mark.parametrize("name", ["../secret.png", "more/../../secret.png", "/etc/a.png", "C:/a.png", "..\\secret.png"])
def test_names_that_lead_out_of_the_folder_are_refused(faces: Path, name: str) -> None:
    Image.new("RGB", (4, 4)).save(faces.parent / "secret.png")
    with pytest.raises(DataError, match=r"which leads out of '.*faces'\. Give names relative to the folder"):
        _load(faces, f"file,age\na.png,1\n{name},2\n")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "file,age\nx.png,20\n",
            r"None of the 1 files that '.*labels\.csv' names is in '.*faces'\. It names 'x\.png'; the",
        ),
        ("file\na.png\n", r"has one column only\. The first names the image files; add targets as the others"),
        ("a.png,20\nb.png,30\n", r"The first line of '.*' names the image 'a\.png'\. Give the table a header line"),
        (
            "file,age,who\na.png,20,x\nb.png,30,y\nmore/c.png,1,z\n",
            r"columns of '.*labels\.csv' are not numeric: 'who'",
        ),
    ],
)
def test_tables_that_do_not_go_with_the_folder_are_refused(faces: Path, text: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        _load(faces, text)


@pytest.mark.parametrize("targets", [None, [], ["a.csv", "b.csv"]])
def test_a_folder_needs_one_table(faces: Path, targets: Any) -> None:
    with pytest.raises(UsageError, match=r"is a folder: name one csv file with its images' targets: targets='LABELS"):
        load_data(str(faces), targets=targets)


def test_images_are_decoded_when_needed_and_a_broken_one_is_named(faces: Path) -> None:
    whole = np.frombuffer((faces / "b.png").read_bytes(), dtype=np.uint8)
    for content in (b"hello world", whole[: len(whole) // 2].tobytes()):
        (faces / "b.png").write_bytes(content)
        text = "file,age\na.png,20\nb.png,30\nmore/c.png,1\n"
        loader = load_data(str(faces), targets=[_labels(faces, text)], batch_size=1)
        next(iter(loader))
        with pytest.raises(
            DataError, match=r"The image '.*b\.png' cannot be decoded \(.*\)\. Repair it, or drop its row"
        ):
            list(loader)
