from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deepnrc.data.sources import load_data
from deepnrc.data.sources.images.decoding import decoded
from deepnrc.errors import DataError

RNG = np.random.default_rng(0)
SIXTEEN = RNG.integers(0, 65536, (12, 10)).astype(np.uint16)
COLOUR = RNG.integers(0, 256, (12, 10, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.pgm"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_sixteen_bits_keep_their_range(tmp_path: Path, name: str, mode: str) -> None:
    Image.fromarray(SIXTEEN).save(tmp_path / name)
    grey = np.asarray(decoded(tmp_path / name, mode)[0]).reshape(12, 10, -1)[..., 0]
    assert np.abs(grey / 255 - SIXTEEN / 65535).max() <= 0.5 / 255 + 1e-9


@pytest.mark.parametrize(("bits", "said"), [(8, True), (10, True), (12, True), (14, True), (15, False), (16, False)])
@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_values_of_fewer_than_sixteen_bits_are_said(tmp_path: Path, bits: int, said: bool, name: str) -> None:
    Image.fromarray((SIXTEEN >> (16 - bits)).astype(np.uint16)).save(tmp_path / name)
    told = decoded(tmp_path / name, "L")[1]
    assert list(told) == (["short"] if said else [])
    assert not said or f"which take {bits}; it is read over the whole range" in told["short"]


@pytest.mark.parametrize("kind", [np.float32, np.int32])
def test_values_of_unknown_range_are_refused(tmp_path: Path, kind: type) -> None:
    Image.fromarray(RNG.random((8, 8)).astype(kind)).save(tmp_path / "a.tif")
    with pytest.raises(DataError, match=r"a\.tif' holds (floating-point|whole) numbers( of 32 bits)?, whose"):
        decoded(tmp_path / "a.tif", "RGB")


@pytest.mark.parametrize("orientation", range(2, 9))
def test_the_orientation_is_applied_and_said(tmp_path: Path, orientation: int) -> None:
    folder = tmp_path / "im"
    folder.mkdir()
    exif = Image.Exif()
    exif[0x0112] = orientation
    for name in ("a.png", "b.png"):
        Image.fromarray(COLOUR).save(folder / name, exif=exif)
    turned = {2: COLOUR[:, ::-1], 3: COLOUR[::-1, ::-1], 4: COLOUR[::-1], 5: COLOUR.transpose(1, 0, 2)}
    turned |= {6: np.rot90(COLOUR, -1), 7: np.rot90(COLOUR, 2).transpose(1, 0, 2), 8: np.rot90(COLOUR)}
    image, said = decoded(folder / "a.png", "RGB")
    assert said
    assert np.array_equal(np.asarray(image), turned[orientation])
    (tmp_path / "l.csv").write_text("file,u,v\na.png,1.5,2.5\nb.png,2.5,1.5\n")
    loader = load_data(str(folder), targets=[str(tmp_path / "l.csv")], image_size=8)
    with pytest.warns(UserWarning, match=r"a\.png' is turned as its EXIF orientation says") as caught:
        list(loader)
    assert len(caught) == 1


def test_one_picture_in_many_forms_is_one_picture(tmp_path: Path) -> None:
    few = COLOUR // 128 * 255
    picture = Image.fromarray(few)
    forms = {
        "rgb.png": picture,
        "rgba.png": picture.convert("RGBA"),
        "p.png": picture.quantize(16),
        "p.gif": picture.quantize(16),
        "cmyk.tif": picture.convert("CMYK"),
        "one.webp": picture,
    }
    for name, image in forms.items():
        image.save(tmp_path / name, **({"lossless": True} if name.endswith("webp") else {}))
        assert np.array_equal(np.asarray(decoded(tmp_path / name, "RGB")[0]), few), name


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_see_through_is_refused(tmp_path: Path, mode: str) -> None:
    picture = Image.fromarray(COLOUR).convert("RGBA")
    picture.putalpha(Image.fromarray(np.where(np.arange(120).reshape(12, 10) < 30, 0, 255).astype(np.uint8)))
    if mode == "P":
        Image.fromarray(COLOUR).quantize(8).save(tmp_path / "a.png", transparency=0)
    else:
        picture.convert(mode).save(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"a\.png' is see-through in [\d.]+ % of its pixels.*Flatten it"):
        decoded(tmp_path / "a.png", "RGB")


@pytest.mark.parametrize("name", ["a.gif", "a.tif"])
def test_several_frames_are_refused(tmp_path: Path, name: str) -> None:
    frames = [Image.fromarray(COLOUR), Image.fromarray(255 - COLOUR)]
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
    with pytest.raises(DataError, match="holds 2 frames"):
        decoded(tmp_path / name, "RGB")


def test_what_is_no_image_is_refused(tmp_path: Path) -> None:
    Image.fromarray(COLOUR).save(tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    for damaged in (b"", b"hello", content[: len(content) // 2]):
        (tmp_path / "a.png").write_bytes(damaged)
        with pytest.raises(DataError, match=r"a\.png' cannot be decoded"):
            decoded(tmp_path / "a.png", "RGB")
