"""Archives that mean harm, or are broken: each refused with its reason, and nothing outside the folder."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

import pytest

from provider_registry.remote import archives
from provider_registry.remote.archives import BadArchive, unpack
from tests.remote.served import archive, bomb, documents


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "", size: int = 0) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.size = kind, target, size
    return made


ATTACKS: list[tuple[str, bytes, str]] = [
    ("a path upwards", archive({"../evil.yaml": "x"}), "'../evil.yaml' leads out of it"),
    ("a path upwards from below", archive({"v1/../../evil.yaml": "x"}), "leads out of it"),
    ("an absolute path", archive({"/tmp/evil.yaml": "x"}), "leads out of it"),
    ("a path of Windows", archive({"v1\\..\\evil.yaml": "x"}), "is no name of a document"),
    ("a drive", archive({"C:evil.yaml": "x"}), "is no name of a document"),
    ("a name that is none", archive({"v1/a\x1b[2J.yaml": "x"}), "is no name of a document"),
    ("a symbolic link", archive({}, member("v1/link", tarfile.SYMTYPE, "/etc/passwd")),
     "'v1/link' is a link, and only plain files are unpacked"),
    ("a hard link", archive({}, member("v1/link", tarfile.LNKTYPE, "v1/other")), "is a link"),
    ("a link to a folder, and a file through it",
     archive({}, member("v1", tarfile.SYMTYPE, "/tmp"), member("v1/evil.yaml", size=1)), "'v1' is a link"),
    ("a device", archive({}, member("v1/disk", tarfile.BLKTYPE)), "is a device"),
    ("a pipe", archive({}, member("v1/pipe", tarfile.FIFOTYPE)), "is a device"),
    ("a file twice", archive({"v1/a.yaml": "x", "v1/A.yaml": "y"}), "'v1/A.yaml' is in it twice"),
    ("a file and a folder of one name", archive({"v1/a": "x", "v1/a/b": "y"}), "it cannot be read"),
    ("folders without end", archive({"a/" * 40 + "x": "x"}), "is no name of a document"),
    ("no archive", b"<html>not found</html>" * 100, "it cannot be read"),
    ("nothing", b"", "it cannot be read"),
    ("half an archive", archive(documents())[:300], "it cannot be read"),
    ("a bomb", bomb(80 * 2**20), "is larger than 64 MiB"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "reason"), [a[1:] for a in ATTACKS], ids=[a[0] for a in ATTACKS])
def test_what_means_harm_is_refused(data: bytes, reason: str, tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "stage"
    folder.mkdir(parents=True)
    with pytest.raises(BadArchive) as refused:
        unpack(data, folder)
    assert reason in str(refused.value)
    assert [path for path in tmp_path.rglob("*") if folder not in (path, *path.parents)] == [tmp_path / "deep"]
    assert not Path("/tmp/evil.yaml").exists()


def test_much_of_little_files_is_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MEMBERS", 3)
    with pytest.raises(BadArchive, match="more than 3 files"):
        unpack(archive({f"v1/{n}": "x" for n in range(4)}), tmp_path)


def test_what_comes_out_in_all_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "TOTAL", 2**20)
    with pytest.raises(BadArchive, match="more than 1 MiB would come out of it"):
        unpack(archive({f"v1/{n}": b"x" * 2**18 for n in range(8)}), tmp_path)
    assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) <= 2**20


def test_a_header_that_is_a_bomb_is_not_read(tmp_path: Path) -> None:
    head = tarfile.TarInfo("././@LongLink")
    head.type, head.size = tarfile.GNUTYPE_LONGNAME, 300 * 2**20
    with pytest.raises(BadArchive, match="would come out of it"):
        unpack(gzip.compress(head.tobuf(tarfile.GNU_FORMAT) + bytes(2**16)), tmp_path)


def test_a_large_archive_is_not_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "PACKED", 2**20)
    with pytest.raises(BadArchive, match="larger than 1 MiB"):
        unpack(bytes(2**20 + 1), tmp_path)


def test_documents_come_out_as_they_went_in(tmp_path: Path) -> None:
    files = documents()
    unpack(archive(files, member("v1.0.0/empty", tarfile.DIRTYPE)), tmp_path)
    found = {str(p.relative_to(tmp_path)): p.read_text() for p in tmp_path.rglob("*") if p.is_file()}
    assert found == files


def test_a_bare_tar_is_one_too(tmp_path: Path) -> None:
    unpack(gzip.decompress(archive({"./v1/a.yaml": "x"})), tmp_path)
    assert (tmp_path / "v1/a.yaml").read_text() == "x"
    with tarfile.open(fileobj=io.BytesIO(archive({"v1/a.yaml": "x"}))) as other:
        assert other.getnames() == ["v1/a.yaml"]
