"""The blob store: whole or not at all, once for equal bytes, damage found by name."""

import io
from pathlib import Path

import pytest

from portal.errors import NotFound, SettingsError
from portal.files import Files, open_files


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return open_files(str(tmp_path / "files"))


def test_equal_bytes_are_stored_once(files: Files, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    first, second = files.put_file(tmp_path / "a"), files.put_file(io.BytesIO(b"abc"))
    assert first == second
    assert (first.size, list(files.keys())) == (3, [first.key])
    with files.open(first.key) as file:
        assert file.read() == b"abc"


def test_a_stream_that_breaks_leaves_nothing(files: Files, tmp_path: Path) -> None:
    class Breaking:
        def read(self, size: int = -1, /) -> bytes:
            raise ConnectionError

    with pytest.raises(ConnectionError):
        files.put_file(Breaking())
    assert list((tmp_path / "files").iterdir()) == []


def test_a_flipped_bit_is_named(files: Files) -> None:
    good, bad = files.put_file(io.BytesIO(b"good")), files.put_file(io.BytesIO(b"bad"))
    files.path(bad.key).write_bytes(b"bae")
    assert list(files.damaged()) == [bad.key]
    files.delete(bad.key)
    files.delete(bad.key)
    assert list(files.keys()) == [good.key]
    assert list(files.keys(older_than=60)) == []


@pytest.mark.parametrize("key", ["../../etc/passwd", "", "a" * 63, "A" * 64])
def test_what_is_no_key_is_not_found(files: Files, key: str) -> None:
    with pytest.raises(NotFound):
        files.open(key)


def test_what_is_not_supported_says_so() -> None:
    with pytest.raises(SettingsError, match="s3"):
        open_files("s3://bucket")
