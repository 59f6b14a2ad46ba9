"""The blob store: whole or not at all, once for equal bytes, damage found by name."""

import hashlib
import io
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from portal.errors import NotFound, SettingsError, Unavailable
from portal.files import Files, open_files
from portal.tabular.store import RowQuery, TabularStore
from schemas.texttable import ROW, TextBatch, TextTable
from tests.servers.s3 import bucket

GUARDS = (
    "portal.cli.mirror",
    "portal.files.disk",
    "portal.files.s3",
)


@pytest.fixture(params=["disk", pytest.param("s3", marks=pytest.mark.s3)])
def files(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Files]:
    """The store of a folder, and the store of a bucket on a real server."""
    if request.param == "disk":
        yield open_files(str(tmp_path / "files"))
        return
    with bucket() as url:
        yield open_files(url, tmp_path / "files", 1)


def test_equal_bytes_are_stored_once(files: Files, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    first, second = files.put_file(tmp_path / "a"), files.put_file(io.BytesIO(b"abc"))
    assert first == second
    assert (first.size, list(files.keys())) == (3, [first.key])
    with files.open(first.key) as file:
        assert file.read() == b"abc"


def test_what_is_stored_is_on_the_disk_with_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut must undo neither the bytes nor the renames."""
    synced: list[str] = []
    real = os.fsync

    def noted(handle: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{handle}").readlink()))
        real(handle)

    monkeypatch.setattr(os, "fsync", noted)
    files = open_files(str(tmp_path / "files"))
    path = files.path(files.put_file(io.BytesIO(b"abc")).key)
    assert Path(synced[0]).name.startswith("new-")
    assert synced[1:] == [str(path.parents[1]), str(path.parent)]


def test_a_stream_that_breaks_leaves_nothing(files: Files, tmp_path: Path) -> None:
    class Breaking:
        def read(self, size: int = -1, /) -> bytes:
            raise ConnectionError

    with pytest.raises(ConnectionError):
        files.put_file(Breaking())
    assert not list((tmp_path / "files").glob("*"))


def test_a_flipped_bit_is_named(files: Files) -> None:
    good, bad = files.put_file(io.BytesIO(b"good")), files.put_file(io.BytesIO(b"bad"))
    spoil(files, bad.key)
    assert list(files.find_damaged()) == [bad.key]
    files.delete(bad.key)
    files.delete(bad.key)
    assert list(files.keys()) == [good.key]
    assert not files.exists(bad.key)
    assert list(files.keys(older_than=60)) == []


def spoil(files: Files, key: str) -> None:
    """Change a bit where the blob really lies."""
    client = getattr(files, "_client", None)
    if client is None:
        files.path(key).write_bytes(b"bae")
    else:
        client.put_object(Bucket="portal", Key=f"data/{key[:2]}/{key}", Body=b"bae")


@pytest.mark.s3
def test_copies_of_a_bucket_are_fetched_checked_and_bounded(tmp_path: Path) -> None:
    with bucket() as url:
        first, second = (
            open_files(url, tmp_path / "a", 1),
            open_files(url, tmp_path / "b", 1),
        )
        blobs = [first.put_file(io.BytesIO(bytes([n]) * 500_000)) for n in range(4)]
        for blob in blobs:
            with second.open(blob.key) as file:
                assert len(file.read()) == 500_000
            old = time.time() - 3600
            os.utime(tmp_path / "b" / blob.key[:2] / blob.key, (old, old))
        assert len(list((tmp_path / "b").glob("??/*"))) <= 3
        with second.open(blobs[0].key) as file:
            assert file.read(1) == b"\x00"
        bad = first.put_file(io.BytesIO(b"bad"))
        spoil(first, bad.key)
        with pytest.raises(Unavailable):
            second.open(bad.key)
        assert not list((tmp_path / "b").glob("new-*"))
    third = open_files(url, tmp_path / "c", 1)
    with pytest.raises(Unavailable):
        third.put_file(io.BytesIO(b"nobody there"))


@pytest.mark.s3
def test_rows_lie_in_a_bucket_and_answer(tmp_path: Path) -> None:
    with bucket() as url:
        store = TabularStore(open_files(url, tmp_path / "a", 10), tmp_path / "ta")
        batch = TextBatch(pl.DataFrame({"0": ["x", "y"], ROW: [2, 3]}))
        manifest = store.write(
            [TextTable(("ma",), lambda: iter([batch]))], {"fields": [{"name": "ma"}]}
        )
        elsewhere = TabularStore(open_files(url, tmp_path / "b", 10), tmp_path / "tb")
        assert elsewhere.search(manifest, RowQuery(filters={"ma": "y"})).rows == (
            (2, "y"),
        )


@pytest.mark.parametrize("key", ["../../etc/passwd", "", "a" * 63, "A" * 64])
def test_what_is_no_key_is_not_found(files: Files, key: str) -> None:
    with pytest.raises(NotFound):
        files.open(key)


@pytest.mark.parametrize("url", ["s3://", "s3://bucket?secret=1"])
def test_what_is_no_address_says_so(url: str) -> None:
    with pytest.raises(SettingsError, match="s3"):
        open_files(url)


def test_what_is_stored_again_is_not_swept(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.files.s3.RENEWED_AFTER", 0.0)
    used, unused = (
        files.put_file(io.BytesIO(b"used again")),
        files.put_file(io.BytesIO(b"unused")),
    )
    time.sleep(3.2)  # a bucket tells ages in whole seconds
    old = list(files.keys(older_than=2.0))
    assert old == sorted([used.key, unused.key])
    files.put_file(io.BytesIO(b"used again"))
    assert files.remove_old(old, 2.0) == 1
    assert (files.exists(used.key), files.exists(unused.key)) == (True, False)
    assert files.remove_old([unused.key, used.key], 2.0) == 0


def test_what_is_stored_while_a_sweep_removes_it_is_there_afterwards(
    tmp_path: Path,
) -> None:
    files = open_files(str(tmp_path / "files"))
    _stored_amid_the_removal(files, files, tmp_path)


@pytest.mark.s3
def test_what_is_stored_in_a_bucket_while_a_sweep_removes_it_is_there_afterwards(
    tmp_path: Path,
) -> None:
    with bucket() as url:
        _stored_amid_the_removal(
            open_files(url, tmp_path / "a", 1),
            open_files(url, tmp_path / "b", 1),
            tmp_path,
        )


def _stored_amid_the_removal(sweeping: Files, storing: Files, tmp_path: Path) -> None:
    """The sweep has looked at the blob's age, and stands right before its removal, when
    the bytes come again.
    """
    key = sweeping.put_file(io.BytesIO(b"old")).key
    again = threading.Thread(target=lambda: storing.put_file(io.BytesIO(b"old")))

    def amid(path: Path, missing_ok: bool = False) -> None:
        if path.name == key and not again.ident:
            again.start()
            again.join(0.7)
        remove(path, missing_ok=missing_ok)

    remove = Path.unlink
    client = getattr(sweeping, "_client", None)
    with pytest.MonkeyPatch.context() as patched:
        # As if the blob had lain there for long.
        patched.setattr("portal.files.s3.RENEWED_AFTER", -1.0)
        if client is None:
            patched.setattr(Path, "unlink", amid)
        else:
            real = client.delete_object

            def late(**what: str) -> object:
                if what["Key"].endswith(key):
                    again.start()
                    again.join(0.7)
                return real(**what)

            patched.setattr(client, "delete_object", late)
        assert sweeping.remove_old([key], 0.0) == 1
    assert again.ident, "the blob came again amid the removal"
    again.join(60)
    assert storing.exists(key)
    with storing.open(key) as file:
        assert file.read() == b"old"


@pytest.mark.s3
def test_a_sweep_that_died_stops_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with bucket() as url:
        files = open_files(url, tmp_path / "a", 1)
        key = hashlib.sha256(b"abc").hexdigest()
        files._client.put_object(
            Bucket="portal", Key="data/sweep/dead", Body=key.encode()
        )
        monkeypatch.setattr("portal.files.s3.NOTICE_SECONDS", 2.0)
        assert files.put_file(io.BytesIO(b"abc")).key == key
        assert list(files.keys()) == [key], "a notice is no blob"


@pytest.mark.s3
def test_copies_of_what_is_gone_leave_every_machine(tmp_path: Path) -> None:
    with bucket() as url:
        here, there = (
            open_files(url, tmp_path / "a", 1),
            open_files(url, tmp_path / "b", 1),
        )
        kept, gone = (
            here.put_file(io.BytesIO(b"kept")).key,
            here.put_file(io.BytesIO(b"gone")).key,
        )
        copies = [there.path(kept), there.path(gone)]
        assert here.remove_old([gone], 0.0) == 1
        assert there.sweep_copies({kept}, 0.0) == 1
        assert [path.is_file() for path in copies] == [True, False]
