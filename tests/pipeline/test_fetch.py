"""`noss fetch`: what comes is whole, checked and in its place, or one line says why not; nothing leaves the folder."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import itertools
import json
import lzma
import os
import re
import signal
import stat
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from noss.cli import main
from noss.datasets import Download
from noss.errors import DataError
from noss.pipeline import _fetch_file, _fetch_http, _fetch_unpack
from noss.pipeline._clips import open_dataset
from noss.pipeline.fetch import fetch
from pipeline.fetch_server import Served, Server, link, noise, serving, tar, zipped

OWN = """
from noss.datasets import Clip, Dataset, Download

DATASET = Dataset(
    title="Mine", source="https://here.example", licence="CC0-1.0", targets={{"mood": ("calm",)}}, metric="uar",
    num_clips=2, hours=0.0, {facts}
)

def clips(root):
    for path in sorted(root.rglob("*.wav")):
        yield Clip(path=path, labels={{"mood": "calm"}}, speaker="ann")
"""
FILES = {"wavs/a.wav": noise(300_000), "wavs/b.wav": noise(50_000), "list.txt": b"a\nb\n" * 1000}
MAKERS = {
    "t.zip": lambda: zipped(FILES),
    "t.tar": lambda: tar(FILES, mode="w:"),
    "t.tar.gz": lambda: tar(FILES, mode="w:gz"),
    "t.tgz": lambda: tar(FILES, mode="w:gz"),
    "t.tar.bz2": lambda: tar(FILES, mode="w:bz2"),
    "t.tar.xz": lambda: tar(FILES, mode="w:xz"),
}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(_fetch_http, "FIRST_WAIT_S", 0.001)
    monkeypatch.delenv("NOSS_DATA", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as files:
        yield files


def md5(data: bytes) -> str:
    return f"md5:{hashlib.md5(data).hexdigest()}"


def corpus(*downloads: Download, name: str = "mine", **facts: Any) -> str:
    given = {**({"downloads": downloads} if downloads else {}), **facts}
    Path(f"{name}.py").write_text(OWN.format(facts=", ".join(f"{key}={value!r}" for key, value in given.items())))
    sys.modules.pop(_module(name), None)
    return f"./{name}.py"


def _module(name: str) -> str:
    return f"noss_own_{name}_{hashlib.sha256(str(Path(f'{name}.py').resolve()).encode()).hexdigest()[:8]}"


def assert_complete(root: Path) -> None:
    assert {name: (root / name).read_bytes() == data for name, data in FILES.items()} == dict.fromkeys(FILES, True)
    assert sorted(path.name for path in root.iterdir()) == [".fetch", "fetch.json", "list.txt", "wavs"]
    assert [path.name for path in (root / ".fetch").iterdir()] == ["lock"]
    assert json.loads((root / "fetch.json").read_text())["complete"] is True


def assert_nothing_came(root: Path) -> None:
    assert [path.name for path in root.iterdir() if path.name != ".fetch"] == []
    assert [path.name for path in (root / ".fetch").iterdir() if path.name != "lock"] == []


@pytest.mark.parametrize("name", MAKERS)
def test_an_archive_of_any_kind_comes_to_the_cache_and_is_found_there(name: str, server: Server) -> None:
    data = MAKERS[name]()
    server[name] = Served(data)
    own = corpus(Download(url=server.url(name), checksum=md5(data), size=len(data)))
    fetched = fetch(own)
    assert_complete(fetched.root)
    assert fetched.root == Path(os.environ["NOSS_CACHE"]) / "corpora/mine"
    assert f"{name}: {len(data):,} bytes, 3 files; {md5(data)}, as stated" in str(fetched)
    assert str(fetched).endswith("next: noss check dataset ./mine.py")
    _, clips, root = open_dataset(own, roots={})
    assert (len(clips), root) == (2, fetched.root)


def test_a_root_that_is_given_wins_over_what_was_fetched(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server["t.zip"] = Served(zipped(FILES))
    own = corpus(Download(url=server.url("t.zip")))
    with pytest.raises(DataError, match=r"no folder is known for mine: .*, or bring it with noss fetch \./mine\.py"):
        open_dataset(own, roots={})
    fetched = fetch(own)
    (tmp_path / "data/mine").mkdir(parents=True)
    (tmp_path / "data/mine/c.wav").touch()
    assert open_dataset(own, roots={"mine": tmp_path / "data/mine"})[2] == tmp_path / "data/mine"
    monkeypatch.setenv("NOSS_DATA", str(tmp_path / "elsewhere"))
    assert open_dataset(own, roots={})[2] == fetched.root
    monkeypatch.setenv("NOSS_DATA", str(tmp_path / "data"))
    assert open_dataset(own, roots={})[2] == tmp_path / "data/mine"


def test_a_corpus_that_came_in_part_is_not_taken_for_the_whole(server: Server) -> None:
    server |= {"one.zip": Served(zipped({"a.wav": b"a"})), "two.zip": Served(b"", status=404)}
    own = corpus(Download(url=server.url("one.zip")), Download(url=server.url("two.zip")))
    with pytest.raises(DataError, match=r"two.zip: the server answers 404 .* it may have moved"):
        fetch(own)
    with pytest.raises(DataError, match="no folder is known for mine"):
        open_dataset(own, roots={})
    server["two.zip"] = Served(zipped({"b.wav": b"b"}))
    assert len(open_dataset(own, roots={"mine": fetch(own).root})[1]) == 2
    assert len(server["one.zip"].requests) == 1


def test_the_root_is_the_folder_that_an_archive_holds_if_that_is_what_looks_like_the_corpus(server: Server) -> None:
    server["t.zip"] = Served(zipped({"mine-1.0/wavs/a.wav": b"a", "mine-1.0/README": b"", "other/b.wav": b"b"}))
    own = corpus(Download(url=server.url("t.zip")), signs=("wavs/*.wav", "README"))
    fetched = fetch(own)
    assert fetched.root.name == "mine-1.0"
    assert [clip.path.name for clip in open_dataset(own, roots={})[1]] == ["a.wav"]
    assert fetch(own).root == fetched.root
    assert fetch(own, to="here").next_step == "noss check dataset ./mine.py --root mine=here/mine-1.0"


def test_a_second_call_asks_the_server_nothing(server: Server, tmp_path: Path) -> None:
    server["t.zip"] = Served(zipped(FILES))
    own = corpus(Download(url=server.url("t.zip")))
    fetch(own, to="here")
    assert "t.zip: was there" in str(fetch(own, to="here"))
    assert len(server["t.zip"].requests) == 1
    (tmp_path / "here/list.txt").unlink()
    fetch(own, to="here")
    assert_complete(tmp_path / "here")


def test_files_go_into_their_folders_and_plain_ones_stay_as_they_are(server: Server, tmp_path: Path) -> None:
    server |= {"a.zip": Served(zipped({"x/1.wav": b"1"})), "b.zip": Served(zipped({"x/2.wav": b"2"}))}
    server["files/list%20one.zip/content?download=1"] = Served(b"PK: no archive", kind="text/plain")
    fetch(
        corpus(
            Download(url=server.url("a.zip"), into="data"),
            Download(url=server.url("b.zip"), into="data"),
            Download(url=server.url("files/list%20one.zip/content?download=1"), into="lists", unpack=False),
        ),
        to="here",
        keep_archives=True,
    )
    found = sorted(path.relative_to("here").as_posix() for path in Path("here").rglob("*") if path.is_file())
    assert found[-4:] == ["data/x/1.wav", "data/x/2.wav", "fetch.json", "lists/list one.zip"]
    assert sorted(name[-6:] for name in found[:-4]) == ["-a.zip", "-b.zip", "h/lock"]


@pytest.mark.parametrize("stated", [True, False])
def test_a_dropped_connection_is_continued(stated: bool, server: Server) -> None:
    data = tar(FILES)
    server["t.tar.gz"] = file = Served(data, drops=3, drop_after=100_000)
    fetched = fetch(corpus(Download(url=server.url("t.tar.gz"), checksum=md5(data) if stated else "")))
    assert_complete(fetched.root)
    assert file.sent == len(data)
    assert [request.get("Range") for request in file.requests] == [
        None, "bytes=100000-", "bytes=200000-", "bytes=300000-",
    ]  # fmt: skip
    assert file.requests[1]["If-Range"] == '"one"'


def test_a_server_that_knows_no_ranges_starts_over(server: Server) -> None:
    data = tar(FILES)
    server["t.tar.gz"] = file = Served(data, drops=2, drop_after=100_000, ranges=False)
    assert_complete(fetch(corpus(Download(url=server.url("t.tar.gz"), checksum=md5(data)))).root)
    assert file.sent == 200_000 + len(data)


def test_without_a_version_and_a_checksum_nothing_is_continued(server: Server) -> None:
    data = tar(FILES)
    server["t.tar.gz"] = file = Served(data, drops=1, drop_after=100_000, etag="")
    assert_complete(fetch(corpus(Download(url=server.url("t.tar.gz")))).root)
    assert [request.get("Range") for request in file.requests] == [None, None]


def test_a_file_that_changed_in_between_is_not_mixed_with_the_old_one(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_fetch_http, "TRIES", 0)
    server["t.tar"] = Served(tar({"old.wav": noise(200_000)}, mode="w:"), drops=1, drop_after=100_000)
    own = corpus(Download(url=server.url("t.tar")))
    with pytest.raises(DataError, match=r"the connection dropped 1 times .* run the same command later"):
        fetch(own)
    server["t.tar"] = Served(tar(FILES, mode="w:"), etag='"two"')
    assert_complete(fetch(own).root)


def test_a_connection_that_always_drops_is_given_up_and_what_came_is_kept(server: Server, tmp_path: Path) -> None:
    data = tar(FILES)
    server["t.tar.gz"] = file = Served(data, drops=99, drop_after=0)
    own = corpus(Download(url=server.url("t.tar.gz"), checksum=md5(data)))
    with pytest.raises(DataError, match="the connection dropped 6 times"):
        fetch(own, to="here")
    file.drops, file.drop_after = 1, 1_000
    fetch(own, to="here")
    assert_complete(tmp_path / "here")


def test_a_busy_server_is_asked_again(server: Server) -> None:
    data = tar(FILES)
    server["t.tar.gz"] = file = Served(data, busy=2)
    assert_complete(fetch(corpus(Download(url=server.url("t.tar.gz")))).root)
    file.busy = 99
    with pytest.raises(DataError, match=r"the server answers 503 .* again and again: run the same command later"):
        fetch(corpus(Download(url=server.url("t.tar.gz"))), to="here")


def test_a_server_that_asks_for_a_permission_is_named(server: Server) -> None:
    server["t.zip"] = Served(b"", status=403)
    with pytest.raises(DataError, match=r"t\.zip: the server answers 403 Forbidden, so it asks for a permission"):
        fetch(corpus(Download(url=server.url("t.zip"))))


def test_no_server_and_no_address_are_one_line() -> None:
    with pytest.raises(
        DataError, match=r"cannot reach http://127\.0\.0\.1:9/t\.zip: .*refused.*; check the connection"
    ):
        fetch(corpus(Download(url="http://127.0.0.1:9/t.zip")))
    with pytest.raises(DataError, match=r"cannot reach tp://x/t\.zip"):
        fetch(corpus(Download(url="tp://x/t.zip")))


def test_a_wrong_byte_is_found_and_the_file_removed(server: Server, tmp_path: Path) -> None:
    data = tar(FILES)
    wrong = bytes([data[0], data[1], data[2] ^ 1]) + data[3:]
    server["t.tar.gz"] = Served(wrong)
    own = corpus(Download(url=server.url("t.tar.gz"), checksum=md5(data), size=len(data)))
    with pytest.raises(DataError, match=rf"t\.tar\.gz has {md5(wrong)}, and {md5(data)} is needed: it is removed"):
        fetch(own, to="here")
    assert_nothing_came(tmp_path / "here")
    server["t.tar.gz"] = Served(data)
    fetch(own, to="here")
    assert_complete(tmp_path / "here")


@pytest.mark.parametrize("says_length", [True, False])
@pytest.mark.parametrize("more", [-7, 7])
def test_a_wrong_size_is_found_and_told(more: int, says_length: bool, server: Server, tmp_path: Path) -> None:
    data = noise(50_000)
    server["t.bin"] = Served(data, says_length=says_length)
    size = len(data) - more
    told = "50,000" if says_length or more < 0 else f"more than {size:,}"
    with pytest.raises(DataError, match=rf"t\.bin is of {told} bytes, and {size:,} are needed: what came is removed"):
        fetch(corpus(Download(url=server.url("t.bin"), size=size, unpack=False)), to="here")
    assert_nothing_came(tmp_path / "here")


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/zip"])
def test_a_web_page_in_the_place_of_an_archive_is_named(kind: str, server: Server, tmp_path: Path) -> None:
    page = b"\n<!-- x -->\n<!DOCTYPE html>\n<html><head><title>Please\n log in</title></head></html>"
    server["t.zip"] = Served(page, kind=kind)
    with pytest.raises(
        DataError, match=r"t\.zip gave a web page \(Please log in\), and an archive is needed: open http"
    ):
        fetch(corpus(Download(url=server.url("t.zip"), size=12_345)), to="here")
    assert_nothing_came(tmp_path / "here")


def test_a_transfer_declared_as_compressed_is_the_file_itself(server: Server) -> None:
    data = tar(FILES)
    server["t.tgz"] = Served(data, encoding="x-gzip", kind="application/x-tar")
    assert_complete(fetch(corpus(Download(url=server.url("t.tgz"), checksum=md5(data)))).root)


def test_a_checksum_that_nobody_states_is_noted_and_holds_later(server: Server, tmp_path: Path) -> None:
    data = tar(FILES)
    server["t.tar.gz"] = Served(data)
    own = corpus(Download(url=server.url("t.tar.gz")))
    found = f"sha256:{hashlib.sha256(data).hexdigest()}"
    told = str(fetch(own, to="here"))
    assert f"{found}, noted in fetch.json" in told
    assert "nobody states a checksum of t.tar.gz" in told
    (record,) = json.loads(Path("here/fetch.json").read_text())["files"]
    assert (record["checksum"], record["stated"], record["num_files"]) == (found, False, 3)
    server["t.tar.gz"] = Served(tar({**FILES, "c.wav": b"c"}))
    Path("here/list.txt").unlink()
    with pytest.raises(DataError, match=rf"has sha256:\w+ and had {found} on \d{{4}}-.*: it is removed; take fetch"):
        fetch(own, to="here")
    Path("here/fetch.json").unlink()
    fetch(own, to="here")
    assert Path("here/c.wav").exists()


def test_a_folder_with_other_things_in_it_is_refused(server: Server) -> None:
    Path("here").mkdir()
    Path("here/list.txt").write_text("mine")
    with pytest.raises(DataError, match="here holds other things already: give an empty folder"):
        fetch(corpus(Download(url=server.url("t.zip"))), to="here")
    assert Path("here/list.txt").read_text() == "mine"


def test_a_folder_that_cannot_be_written_is_one_line() -> None:
    Path("file").touch()
    with pytest.raises(DataError, match=r"cannot write .*file.*: Not a directory; free some space or give --to DIR"):
        fetch(corpus(Download(url="http://127.0.0.1:9/t.zip")), to="file/below")


def test_two_fetches_do_not_meet(server: Server) -> None:
    import sqlite3

    Path("here/.fetch").mkdir(parents=True)
    other = sqlite3.connect("here/.fetch/lock", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(DataError, match=r"another noss fetch is at work in here .*: wait for it to end"):
        fetch(corpus(Download(url=server.url("t.zip"))), to="here")
    other.close()


def _killed(own: str, patch: str, to: str = "here") -> None:
    code = (
        "import os, signal\n"
        "from pathlib import Path\n"
        "from noss.pipeline import _fetch_file, _fetch_manifest\n"
        "def die(*args, **kwargs):\n    os.kill(os.getpid(), signal.SIGKILL)\n"
        f"{patch}\n"
        "from noss.pipeline.fetch import fetch\n"
        f"fetch({own!r}, to={to!r})\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == -signal.SIGKILL, run.stderr


@pytest.mark.parametrize(
    ("patch", "num_requests"),
    [
        ("_fetch_file.Digest.text = die", 2),
        ("_fetch_file.unpack = die", 1),
        ("_fetch_file.held = die", 1),
        ("moved = Path.replace\nPath.replace = lambda a, b: moved(a, b) if '.part' in a.name else die()", 1),
        ("_fetch_manifest.Manifest.write = die", 1),
    ],
)
def test_a_kill_at_any_step_loses_nothing(patch: str, num_requests: int, server: Server, tmp_path: Path) -> None:
    data = tar(FILES)
    server["t.tar.gz"] = file = Served(data)
    own = corpus(Download(url=server.url("t.tar.gz"), checksum=md5(data)))
    _killed(own, patch)
    fetch(own, to="here")
    assert_complete(tmp_path / "here")
    assert len(file.requests) <= num_requests
    assert file.sent == len(data)


def test_a_kill_amid_the_download_goes_on_from_there(server: Server, tmp_path: Path) -> None:
    data = tar({"a.wav": noise(3_000_000)})
    server["t.tar.gz"] = file = Served(data, delay_s=0.005)
    own = corpus(Download(url=server.url("t.tar.gz")))
    process = subprocess.Popen([sys.executable, "-m", "noss", "fetch", own, "--to", "here"])
    parts: list[Path] = []
    while not (parts and parts[0].stat().st_size > 0):
        assert process.poll() is None
        time.sleep(0.01)
        parts = list(tmp_path.glob("here/.fetch/*.part"))
    process.kill()
    process.wait()
    came = parts[0].stat().st_size
    assert 0 < came < len(data)
    file.delay_s = 0.0
    fetch(own, to="here")
    assert file.requests[-1]["Range"] == f"bytes={came}-"
    assert Path("here/a.wav").stat().st_size == 3_000_000


def _unpacked(data: bytes, *, name: str = "x") -> Path:
    Path(name).write_bytes(data)
    folder = Path("inner/out")
    folder.mkdir(parents=True)
    _fetch_unpack.unpack(Path(name), folder, tell=lambda done: None)
    return folder


def _device() -> tarfile.TarInfo:
    return link("dev", "", kind=tarfile.CHRTYPE)


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (tar({"../up.txt": b"x"}), r"\.\./up\.txt would be written outside"),
        (tar({"a/../../up.txt": b"x"}), "would be written outside"),
        (tar({"/etc/up.txt": b"x"}), "would be written outside"),
        (tar({"..\\up.txt": b"x"}), "would be written outside"),
        (tar({"C:\\up.txt": b"x"}), "would be written outside"),
        (zipped({"../up.txt": b"x"}), "would be written outside"),
        (zipped({"/etc/up.txt": b"x"}), "would be written outside"),
        (tar({"l": link("l", "../..")}), r"the link l leads to \.\./\.\., out of the folder"),
        (tar({"l": link("l", "/etc/passwd")}), r"the link l leads to /etc/passwd, out of the folder"),
        (tar({"d/x": b"x", "l": link("l", "d"), "m": link("m", "l/../../up")}), "the link m leads to l/../../up"),
        (tar({"l": link("l", ".."), "l/up.txt": b"x"}), "the link l to .. cannot be made"),
        (tar({"h": link("h", "/etc/passwd", kind=tarfile.LNKTYPE)}), "/etc/passwd would be written outside"),
        (tar({"h": link("h", "../up", kind=tarfile.LNKTYPE)}), r"\.\./up would be written outside"),
        (tar({"h": link("h", "gone", kind=tarfile.LNKTYPE)}), "the link h to gone cannot be made"),
        (zipped({"l": b"/etc/passwd"}, l=0o120777), "the link l leads to /etc/passwd"),
        (zipped({"p": b""}, p=stat.S_IFIFO | 0o666), "p is a device or another special file"),
        (tar({"dev": _device()}), "dev is a device or another special file"),
        (tar({".fetch/lock": b"x"}), "would overwrite what noss keeps"),
        (tar({"a": b"x", "a/b": b"y"}), "a"),
        (b"not an archive" * 100, "is neither zip nor tar"),
        (b"", "is neither zip nor tar"),
        (tar(FILES)[:-4000], "is damaged or cut short"),
        (tar(FILES)[:-6], "is damaged or cut short"),
        (tar(FILES, mode="w:bz2")[:-4000], "is damaged or cut short"),
        (tar(FILES, mode="w:")[:-20_000], "is damaged or cut short"),
        (tar({"a": b"x" * 512, "b": b"y"}, mode="w:")[:1024], "is damaged or cut short"),
        (zipped(FILES)[:-4000], "is damaged or cut short"),
        (zipped(FILES).replace(FILES["wavs/a.wav"][:9], b"123456789"), "is damaged or cut short"),
    ],
    ids=itertools.count(),  # the bytes hold the time they were packed at
)  # fmt: skip
def test_a_hostile_or_broken_archive_writes_nothing_outside_and_says_why(data: bytes, line: str) -> None:
    with pytest.raises((DataError, OSError), match=line):
        _unpacked(data)
    assert sorted(path.name for path in Path().iterdir()) == ["inner", "x"]
    assert [path.name for path in Path("inner").iterdir()] == ["out"]


def test_a_hostile_archive_leaves_nothing_in_the_corpus(server: Server, tmp_path: Path) -> None:
    data = tar({"good.wav": b"x", "../../../../up.txt": b"x"})
    server["t.tar.gz"] = Served(data)
    with pytest.raises(
        DataError, match=r"t\.tar\.gz is not unpacked: .*up\.txt would be written outside .* is removed"
    ):
        fetch(corpus(Download(url=server.url("t.tar.gz"), checksum=md5(data))), to="here")
    assert_nothing_came(tmp_path / "here")


@pytest.mark.parametrize("make", [zipped, tar])
def test_a_bomb_is_put_out(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_fetch_unpack, "FLOOR", 1 << 20)
    with pytest.raises(DataError, match=r"it holds [\d,]+ bytes or more, and [\d,]+ bytes are fair for its size"):
        _unpacked(make({"zeros": bytes(8 << 20)}))
    assert sum(path.stat().st_size for path in Path("inner").rglob("*")) < 2 << 20


def test_a_bomb_of_headers_is_put_out() -> None:
    memory = io.BytesIO()
    with tarfile.open(fileobj=memory, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo("a")
        info.pax_headers = {"comment": "0" * (20 << 20)}
        archive.addfile(info)
    with pytest.raises(DataError, match=r"x is not unpacked: it has a header of 2\d,\d{3},\d{3} bytes"):
        _unpacked(memory.getvalue())


def test_a_bomb_of_members_is_put_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_fetch_unpack, "_FLOOR_MEMBERS", 100)
    for make in (tar, zipped):
        with pytest.raises(DataError, match=r"it holds more than [0-9,]+ members, too many for its size"):
            data = make({f"{'d' * 20}{row:06}/": b"" for row in range(3_000)})
            monkeypatch.setattr(_fetch_unpack, "_LEAST_OF_A_MEMBER", len(data))
            _unpacked(data, name=make.__name__)
        Path("inner/out").rename(f"inner/{make.__name__}")


def test_an_archive_that_needs_more_than_is_free_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from collections import namedtuple

    usage = namedtuple("usage", "total used free")(10, 9, 1_000)
    monkeypatch.setattr(_fetch_unpack.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(DataError, match=r"it holds [\d,]+ bytes or more, and 1,000 bytes are free: free some space"):
        _unpacked(zipped(FILES))


def test_a_download_that_needs_more_than_is_free_is_refused(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    from collections import namedtuple

    usage = namedtuple("usage", "total used free")(10, 9, 1_000)
    monkeypatch.setattr(_fetch_http.shutil, "disk_usage", lambda path: usage)
    server["t.zip"] = Served(noise(5_000))
    with pytest.raises(DataError, match=r"needs 5,000 bytes and 1,000 are free in .*: free some space, or choose"):
        fetch(corpus(Download(url=server.url("t.zip"))))


def test_links_that_stay_inside_are_kept() -> None:
    folder = _unpacked(
        tar({
            "d/a.wav": b"a",
            "d/l.wav": link("d/l.wav", "a.wav"),
            "e/m.wav": link("e/m.wav", "../d/a.wav"),
            "e/h.wav": link("e/h.wav", "d/a.wav", kind=tarfile.LNKTYPE),
        })
    )  # fmt: skip
    assert [(folder / name).read_bytes() for name in ("d/l.wav", "e/m.wav", "e/h.wav")] == [b"a"] * 3


def test_permissions_are_those_of_any_file_written_here() -> None:
    memory = io.BytesIO()
    with tarfile.open(fileobj=memory, mode="w") as archive:
        for name, mode in (("a", 0o6777), ("b", 0)):
            info = tarfile.TarInfo(name)
            info.mode = mode
            archive.addfile(info)
    folder = _unpacked(memory.getvalue())
    plain = Path("plain")
    plain.touch()
    assert {(folder / name).stat().st_mode for name in "ab"} == {plain.stat().st_mode}


def test_names_that_differ_only_in_case_are_reported(server: Server) -> None:
    server["t.zip"] = Served(zipped({"A.wav": b"1", "a.wav": b"2"}))
    assert "A.wav and a.wav differ only in case" in str(fetch(corpus(Download(url=server.url("t.zip")))))


def test_streams_that_stand_one_behind_the_other_are_one() -> None:
    data = tar(FILES, mode="w:")
    halves = data[:200_000], data[200_000:]
    for name, compress, pad in (
        ("gz", gzip.compress, b"\0" * 100),
        ("bz2", bz2.compress, b""),
        ("xz", lzma.compress, b""),
    ):
        folder = _unpacked(b"".join(compress(half) + pad for half in halves), name=name)
        assert {path: (folder / path).read_bytes() for path in FILES} == FILES
        folder.rename(f"inner/{name}")


def test_the_later_of_two_members_of_one_name_counts() -> None:
    memory = io.BytesIO(tar({"a": b"one", "b": b"2"}, mode="w:"))
    with tarfile.open(fileobj=memory, mode="a") as archive:
        info = tarfile.TarInfo("a")
        info.size = 3
        archive.addfile(info, io.BytesIO(b"two"))
    assert (_unpacked(memory.getvalue()) / "a").read_bytes() == b"two"


def test_an_encrypted_zip_is_named() -> None:
    data = bytearray(zipped({"a.wav": b"x"}))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(DataError, match=r"a\.wav is encrypted"):
        _unpacked(bytes(data))


def test_names_in_a_zip_from_windows_are_paths() -> None:
    data = zipped({"d/a.wav": b"x"}).replace(b"d/a.wav", b"d\\a.wav")
    assert (_unpacked(data) / "d/a.wav").is_file()


def test_a_gated_corpus_says_where_to_ask_what_to_download_and_where_to_put_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    own = corpus(
        access="gated", ask="Fill in the form at https://ask.example.\nDownload `all.zip`.", layout="wavs/\n  a.wav\n"
    )
    with pytest.raises(SystemExit) as stopped:
        main(["fetch", own])
    assert stopped.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    first, *rest = err.splitlines()
    assert re.fullmatch(
        r"noss: \./mine\.py is given by its owner on request, so it cannot be fetched: get it as said below, and put it "
        r"into a folder of its own, given as --root mine=DIR",
        first,
    )
    assert rest == [
        "How to get Mine (CC0-1.0):",
        "  Fill in the form at https://ask.example.",
        "  Download `all.zip`.",
        "The folder then holds:",
        "  wavs/",
        "    a.wav",
        "Then: noss check dataset ./mine.py --root mine=DIR",
    ]


def test_the_place_is_the_users_own_folder_of_corpora_if_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOSS_DATA", "/my/corpora")
    with pytest.raises(DataError, match=r"is private, so .*: get it as said below, and put it into /my/corpora/mine"):
        fetch(corpus(access="private", ask="Nobody gives it."))


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("csv", "csv reads recordings that are yours already, so there is nothing to fetch: give their path, as csv/P"),
        ("folder/./wavs", "folder reads recordings that are yours already"),
        ("demo", "demo is made on this machine when it is first used, so there is nothing to fetch"),
        ("esc5", "no dataset named 'esc5'"),
    ],
)
def test_what_is_no_corpus_to_fetch_is_one_line_and_status_2(
    name: str, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["fetch", name])
    assert stopped.value.code == 2
    assert line in capsys.readouterr().err


def test_an_open_corpus_without_addresses_says_where_it_is() -> None:
    with pytest.raises(DataError, match=r"is open, but no address of its files is known: get it from https://here"):
        fetch(corpus())


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://x.org/a/b.tar.gz?download=1", "b.tar.gz"),
        ("https://zenodo.org/api/records/1/files/Audio%20Speech.zip/content", "Audio Speech.zip"),
        ("https://x.org/", "file"),
        ("https://x.org/..%2F..%2Fetc", ".._.._etc"),
    ],
)
def test_the_name_of_a_file_is_read_from_its_url(url: str, name: str) -> None:
    assert _fetch_file.file_name(url) == name
