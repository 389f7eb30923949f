import gzip
import io
import zipfile
from pathlib import Path

import pytest

from deepnrc.errors import DataError
from deepnrc.loading import packed
from deepnrc.loading.packed import check_gzip, check_zip, unpacked


def zipped(path: Path, **files: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def gzipped(path: Path, content: bytes) -> Path:
    path.write_bytes(gzip.compress(content))
    return path


def test_a_zip_s_names_and_contents(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", x=b"one", y=b"two")
    assert check_zip(path) == ["x", "y"]
    assert unpacked(path, "y") == b"two"
    held = io.BytesIO(path.read_bytes())
    path.unlink()
    assert unpacked(path, "x", held) == b"one"


def test_a_zip_with_a_flipped_byte_is_damaged(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", x=bytes(range(200)))
    content = bytearray(path.read_bytes())
    content[60] ^= 255
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.zip' is a damaged zip archive \(.+\)\. Copy, download or save it again"):
        unpacked(path, "x")


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 cut short"])
def test_what_is_no_zip_or_gzip_is_damaged(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a"
    path.write_bytes(content)
    with pytest.raises(DataError, match="is a damaged zip archive"):
        check_zip(path)
    if content:
        with pytest.raises(DataError, match="is a damaged gzip file"):
            check_gzip(path)


def test_a_name_that_is_not_there_is_damage_too(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no item named 'z' in the archive"):
        unpacked(zipped(tmp_path / "a.zip", x=b""), "z")


def test_an_encrypted_zip_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", x=b"secret")
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"is an encrypted archive\. Save it without a password"):
        check_zip(path)


@pytest.mark.parametrize("cut", [3, 12, -9, -1])
def test_a_gzip_file_that_ends_early_is_damaged(tmp_path: Path, cut: int) -> None:
    path = gzipped(tmp_path / "a.gz", bytes(range(250)) * 3)
    check_gzip(path)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(DataError, match=r"is a damaged gzip file \(.+\)\. Copy or download it again"):
        check_gzip(path)


@pytest.mark.parametrize("size", [5_000, 5_001])
def test_what_unpacks_to_too_much_is_refused_from_the_first_byte_too_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(packed, "LARGE", 5_000)
    monkeypatch.setattr(packed, "RATIO", 2)
    path, other = zipped(tmp_path / "a.zip", x=bytes(size - 9), y=bytes(9)), gzipped(tmp_path / "a.gz", bytes(size))
    if size == 5_000:
        check_zip(path)
        check_gzip(other)
        return
    for check, file in ((check_zip, path), (check_gzip, other)):
        with pytest.raises(DataError, match=r"would unpack from 0\.0 MB to over 0 MB, as hardly any data does: refus"):
            check(file)


def test_of_a_bomb_no_more_is_unpacked_than_tells_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "LARGE", 1_000)
    monkeypatch.setattr(packed, "PIECE", 500)
    path, read = gzipped(tmp_path / "a.gz", bytes(10**6)), []
    whole = gzip.GzipFile.read

    def counted(self: gzip.GzipFile, size: int | None = -1) -> bytes:
        piece = whole(self, size)
        read.append(len(piece))
        return piece

    monkeypatch.setattr(gzip.GzipFile, "read", counted)
    monkeypatch.setattr(packed, "RATIO", 1)
    with pytest.raises(DataError, match="hardly any data"):
        check_gzip(path)
    assert sum(read) <= max(1_000, path.stat().st_size) + 500


def test_what_packs_as_well_as_data_may_be_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "LARGE", 10)
    content = bytes(range(256)) * 4
    check_zip(zipped(tmp_path / "a.zip", x=content))
    check_gzip(gzipped(tmp_path / "a.gz", content))
