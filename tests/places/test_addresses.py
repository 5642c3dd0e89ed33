"""An address is a path: joined, sorted and sent between processes as one, and never with credentials in it."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from noss.errors import PlaceError
from noss.places import Place, is_address, path_of


def test_an_address_stays_one_whatever_is_done_to_it() -> None:
    root = path_of("s3://bucket/folder/")
    assert str(root / "a" / "b.wav") == f"{root}/a/b.wav" == "s3://bucket/folder/a/b.wav"
    assert str((root / "a.wav").parent) == str(root.absolute()) == os.fspath(root.resolve()) == "s3://bucket/folder"
    assert (root / "a.tar.gz").name == "a.tar.gz" and str((root / "a.wav").with_suffix(".csv")).endswith("/a.csv")
    assert path_of(os.fsdecode(os.fsencode(root))) == pickle.loads(pickle.dumps(root)) == root  # noqa: S301
    assert {root: 1}[path_of("s3://bucket/folder")] == 1


def test_an_address_that_a_plain_path_has_squeezed_is_known_again() -> None:
    squeezed = Path("s3://bucket/a.wav")
    assert str(squeezed) == "s3:/bucket/a.wav" and is_address(squeezed)
    assert str(path_of(squeezed)) == "s3://bucket/a.wav"


def test_steps_upwards_are_taken() -> None:
    assert str(path_of("gs://bucket/lists/../audio/a.wav")) == "gs://bucket/audio/a.wav"


@pytest.mark.parametrize("path", ["a.wav", "./s3/a.wav", "/s3:/a.wav", "C:/a.wav", "csv/s3://bucket/a.csv"])
def test_other_paths_are_left_alone(path: str) -> None:
    assert not is_address(path) and not is_address(Path(path))


def test_a_plain_path_is_given_back_as_it_is() -> None:
    path = Path("a.wav")
    assert path_of(path) is path and not isinstance(path_of("a.wav"), Place)


@pytest.mark.parametrize(
    "address",
    [
        "s3://AKIAKEY:SECRET@bucket/a.wav",
        "s3://bucket/a.wav?X-Amz-Signature=SECRET",
        "gs://bucket/a.wav?x-goog-signature=SECRET",
    ],
)
def test_credentials_in_an_address_are_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(PlaceError, match="in the environment") as caught:
        path_of(address)
    assert "SECRET" not in str(caught.value) and "AKIA" not in str(caught.value)


@pytest.mark.parametrize("address", ["s3://", "s3:///", "hf://..", "s3://./"])
def test_an_address_without_a_bucket_is_refused(address: str) -> None:
    with pytest.raises(PlaceError, match="names no bucket"):
        path_of(address)


def test_an_unknown_kind_of_store_is_refused() -> None:
    with pytest.raises(PlaceError, match=r"az:// is no store .* use s3://, gs://, hf://"):
        path_of("az://container/a.wav")


def test_nothing_of_fsspec_is_imported_without_an_address() -> None:
    modules = "noss.pipeline.embed, noss.pipeline.run, noss.identity, noss.store, noss.audio.read, noss.datasets.csv"
    code = f"import sys, {modules}; print(sorted(sys.modules.keys() & {{'fsspec', 's3fs', 'botocore', 'aiohttp'}}))"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert run.stdout.strip() == "[]"
