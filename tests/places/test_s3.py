"""From a real S3 server to a real S3 server, over HTTP: busy, hanging, refusing and killed ones too, on the command line."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
import requests
import soundfile

from noss.pipeline.embed import embed
from noss.places import copies, store

for package in ("s3fs", "moto", "flask", "flask_cors"):
    pytest.importorskip(package)
boto3 = pytest.importorskip("boto3")
SLOW = pytest.mark.slow
NUM_CLIPS = 40
SERVER = Path(__file__).parent.parent / "s3_server.py"
SECRET = "wJalrSECRETSECRETKEY"


class Server:
    """A server in a process of its own."""

    def __init__(self) -> None:
        self.process = subprocess.Popen([sys.executable, str(SERVER)], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.address = f"http://127.0.0.1:{int(self.process.stdout.readline())}"

    def put(self, path: str, content: bytes = b"") -> None:
        """Make a bucket, or put an object there."""
        requests.put(f"{self.address}/{path}", data=content, timeout=30).raise_for_status()

    def get(self, path: str) -> bytes:
        """An object."""
        keys = {"aws_access_key_id": "any", "aws_secret_access_key": SECRET, "region_name": "us-east-1"}
        bucket, _, key = path.partition("/")
        found = boto3.client("s3", endpoint_url=self.address, **keys).get_object(Bucket=bucket, Key=key)
        content: bytes = found["Body"].read()
        return content

    def control(self, *words: object) -> dict[str, int]:
        """Set a fault; gives how many requests there were by method."""
        found: dict[str, int] = requests.post("/".join([self.address, "_control", *map(str, words)]), timeout=30).json()
        return found

    def stop(self) -> None:
        """End it, at once."""
        self.process.kill()
        self.process.wait()


def _wav(seed: int) -> bytes:
    memory = io.BytesIO()
    soundfile.write(memory, np.random.default_rng(seed).normal(0, 0.1, 8_000 + 50 * seed), 16_000, format="WAV")
    return memory.getvalue()


@pytest.fixture(scope="module")
def lasting() -> Iterator[Server]:
    """A server that no test harms."""
    server = Server()
    server.put("voices")
    server.put("voices/wavs/c00.wav", _wav(0))
    yield server
    server.stop()


@pytest.fixture
def server() -> Iterator[Server]:
    """A server with a bucket of clips, for one test."""
    server = Server()
    server.put("voices")
    for number in range(NUM_CLIPS):
        server.put(f"voices/wavs/{'ab'[number % 2]}/c{number:02d}.wav", _wav(number))
    yield server
    server.stop()


def _environment(endpoint: str, home: Path, **more: str) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {
        **own,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "NOSS_CACHE": str(home),
        "OMP_NUM_THREADS": "1",
        **more,
    }


def _noss(*words: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "noss", *words]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=170)
    assert "Traceback" not in run.stderr and SECRET not in run.stderr + run.stdout
    return run


EMBED = ("embed", "trivial", "s3://voices/wavs", "--out", "s3://voices/out/emb.parquet", "--workers", "2")
SHARED = ("--cache", "s3://voices/noss")


@SLOW
def test_from_a_busy_store_to_a_store_and_again_from_another_machine(server: Server, tmp_path: Path) -> None:
    server.control("busy", 4)
    first = _noss(*EMBED, *SHARED, environment=_environment(server.address, tmp_path / "a"))
    assert (first.returncode, first.stderr) == (0, "")
    assert f"({NUM_CLIPS} embedded now, 0 known)" in first.stdout
    table = pyarrow.parquet.read_table(io.BytesIO(server.get("voices/out/emb.parquet")))
    assert table.num_rows == NUM_CLIPS and table["file"][0].as_py() == "s3://voices/wavs/a/c00.wav"

    before = server.control("counts")
    again = _noss(*EMBED, *SHARED, environment=_environment(server.address, tmp_path / "a"))
    assert f"(0 embedded now, {NUM_CLIPS} known)" in again.stdout
    assert server.control("counts")["GET"] - before["GET"] < NUM_CLIPS / 2  # listings alone

    other = _noss(*EMBED, *SHARED, environment=_environment(server.address, tmp_path / "b"))
    assert f"(0 embedded now, {NUM_CLIPS} known)" in other.stdout


@SLOW
def test_a_killed_writer_loses_little_and_the_next_run_goes_on(server: Server, tmp_path: Path) -> None:
    environment = _environment(server.address, tmp_path)
    process = subprocess.Popen([sys.executable, "-m", "noss", *EMBED, *SHARED], env=environment)
    mirrors, until = tmp_path / "mirrors", time.monotonic() + 60
    while not list(mirrors.rglob("store.json")) and process.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    run = _noss(*EMBED, *SHARED, environment=environment)
    assert (run.returncode, run.stderr) == (0, "")
    assert pyarrow.parquet.read_table(io.BytesIO(server.get("voices/out/emb.parquet"))).num_rows == NUM_CLIPS


@SLOW
def test_a_server_that_has_stopped_ends_the_run_in_one_line(server: Server, tmp_path: Path) -> None:
    environment = _environment(server.address, tmp_path)
    server.stop()
    run = _noss(*EMBED, *SHARED, environment=environment)
    assert run.returncode == 2
    assert run.stderr.count("\n") == 1 and "does not answer: check the network and AWS_ENDPOINT_URL" in run.stderr


@pytest.mark.long
def test_a_server_that_stops_in_mid_run_ends_it_and_what_was_done_is_kept(server: Server, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "noss", *EMBED, *SHARED],
        env=_environment(server.address, tmp_path),
        stderr=subprocess.PIPE,
        text=True,
    )
    until = time.monotonic() + 60
    while not list((tmp_path / "copies").glob("*.wav")) and time.monotonic() < until:
        time.sleep(0.01)
    server.stop()
    _, said = process.communicate(timeout=170)
    assert process.returncode in (2, 3) and said.count("\n") == 1 and "does not answer" in said
    assert not list(tmp_path.rglob("*.corrupt"))


@pytest.mark.long
def test_a_server_that_hangs_is_not_waited_for_for_ever(server: Server, tmp_path: Path) -> None:
    server.control("hang")
    run = _noss(*EMBED, environment=_environment(server.address, tmp_path))
    assert run.returncode == 2 and "does not answer" in run.stderr


@SLOW
def test_refused_files_are_listed_and_the_others_embedded(server: Server, tmp_path: Path) -> None:
    server.put("voices/list.csv", b"file\nwavs/a/c00.wav\nwavs/forbidden.wav\nwavs/none.wav\n")
    out = tmp_path / "emb.csv"
    environment = _environment(server.address, tmp_path / "home")
    run = _noss("embed", "trivial", "s3://voices/list.csv", "--out", str(out), environment=environment)
    assert run.returncode == 3 and "done, but 2 failed: s3://voices/wavs/" in run.stderr
    assert len(out.read_text(encoding="utf-8").splitlines()) == 2


@SLOW
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("s3://nobucket/wavs", "--out", "e.csv"), "there is nothing at s3://nobucket/wavs"),
        (("s3://voices/forbidden.wav", "--out", "e.csv"), r"s3://voices/forbidden.wav is refused (403)"),
        (("s3://voices/wavs", "--out", "s3://nobucket/e.csv"), "there is no such bucket"),
        (("s3://voices/wavs", "--out", "e.csv", "--cache", "s3://nobucket/c"), "there is no such bucket"),
        (("s3://voices/wavs", "--out", "e.csv", "--cache", "s3://k:SECRETKEY@voices/c"), "address holds credentials"),
    ],
)
def test_wrong_requests_end_in_one_line(lasting: Server, tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    environment = _environment(lasting.address, tmp_path)
    run = _noss("embed", "trivial", *words, environment=environment)
    assert run.returncode == 2 and run.stderr.count("\n") == 1
    assert said in run.stderr and "SECRETKEY" not in run.stderr
    assert not Path("e.csv").exists()


@SLOW
def test_missing_credentials_are_told_with_what_to_set(lasting: Server, tmp_path: Path) -> None:
    environment = _environment(lasting.address, tmp_path, HOME=str(tmp_path))
    bare = {name: value for name, value in environment.items() if "KEY" not in name}
    run = _noss(*EMBED, environment=bare)
    assert run.returncode == 2 and run.stderr.count("\n") == 1
    assert "needs credentials and none that work are here: set AWS_ACCESS_KEY_ID" in run.stderr


@SLOW
def test_forked_workers_fetch_over_connections_of_their_own(
    lasting: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import s3fs

    for name, value in _environment(lasting.address, tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(copies, "MOST_BYTES", 0)  # every clip is fetched here for its hash, and there to be decoded
    for number in range(1, NUM_CLIPS):
        lasting.put(f"voices/forked/c{number:02d}.wav", _wav(number))
    store._connection.cache_clear()
    s3fs.S3FileSystem.clear_instance_cache()
    before = lasting.control("counts").get("GET", 0)
    done = embed("trivial", ["s3://voices/forked"], out=tmp_path / "emb.parquet", workers=2)
    store._connection.cache_clear()
    s3fs.S3FileSystem.clear_instance_cache()
    assert done.num_clips == NUM_CLIPS - 1 and not done.failures
    assert lasting.control("counts")["GET"] - before >= 2 * done.num_clips
