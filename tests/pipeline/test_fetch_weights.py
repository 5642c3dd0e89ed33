"""Public weights are brought on first use: through redirects, continued, checked, noted, and refused when they change."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fetch_server import Served, Server, noise, serving, tar

import tiny_models
from noss import shelf
from noss.errors import DataError, MissingExtraError, ModelError
from noss.models import _savedmodel
from noss.pipeline import _fetch_http
from noss.pipeline._models import open_model
from noss.pipeline.fetch import fetch
from noss.pipeline.show import show

FILES = {
    "saved_model.pb": b"graph",
    "variables/variables.index": b"index",
    "variables/variables.data-00000-of-00001": noise(100_000),
}
ARCHIVE = tar({f"./{name}": data for name, data in FILES.items()})


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    """A host that leads to where the archive of `frill` is, and a machine that has no weights yet."""
    for name in ("NOSS_WEIGHTS", "NOSS_DATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(_fetch_http, "FIRST_WAIT_S", 0.0)
    with serving() as server:
        server["frill/1"] = Served(b"", moved=server.url("bucket/frill.tar.gz"))
        server["bucket/frill.tar.gz"] = Served(ARCHIVE)
        _at(server.url("frill/1?tf-hub-format=compressed"), monkeypatch)
        yield server


def _at(url: str, monkeypatch: pytest.MonkeyPatch, *, checksum: str = "") -> None:
    frill = shelf.load("models", "frill")
    home = dataclasses.replace(frill.HOMES[""], url=url, checksum=checksum)
    monkeypatch.setattr(frill, "HOMES", {"": home})


def _weights() -> Path:
    return _savedmodel.cache_folder() / "weights" / "frill"


def _convert() -> None:
    """What a conversion of the weights would leave."""
    tiny_models.converted_before(_weights(), key="embedding", dim=2048)


def _no_tensorflow(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "tensorflow" else find(name, *more)
    )


def _brought() -> dict[str, bytes]:
    return {name: (_weights() / name).read_bytes() for name in FILES}


def test_weights_come_through_a_redirect_on_first_use_and_are_not_asked_for_again(
    hub: Server, caplog: pytest.LogCaptureFixture
) -> None:
    fetch("frill")
    _convert()
    assert _brought() == FILES
    first = open_model("frill")
    (_weights() / "fetch.json").write_text((_weights() / "fetch.json").read_text() + " ")
    assert open_model("frill").revision == first.revision  # what is noted beside the weights is none of them
    assert len(hub["bucket/frill.tar.gz"].requests) == 1


def test_opening_a_model_brings_its_weights(
    hub: Server, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    _no_tensorflow(monkeypatch)
    with pytest.raises(MissingExtraError):  # they are here, and would now be converted
        open_model("frill")
    assert _brought() == FILES
    assert "the weights of frill are not here: they are fetched to" in caplog.text


def test_a_cut_connection_is_gone_on_from(hub: Server) -> None:
    hub["bucket/frill.tar.gz"] = file = Served(ARCHIVE, drops=2, drop_after=30_000)
    fetch("frill")
    assert _brought() == FILES
    assert [request.get("Range") for request in file.requests] == [None, "bytes=30000-", "bytes=60000-"]


def test_a_download_that_was_stopped_is_gone_on_from_the_next_day(hub: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_fetch_http, "TRIES", 0)
    hub["bucket/frill.tar.gz"] = file = Served(ARCHIVE, drops=1, drop_after=40_000)
    with pytest.raises(ModelError, match="run the same command later to go on"):
        fetch("frill")
    assert not (_weights() / "saved_model.pb").exists()
    fetch("frill")
    assert file.requests[-1]["Range"] == "bytes=40000-"
    assert _brought() == FILES


@pytest.mark.parametrize("lost", list(FILES)[1:])
def test_weights_that_lost_a_file_are_brought_again(lost: str, hub: Server) -> None:
    fetch("frill")
    _convert()
    (_weights() / lost).unlink()
    assert open_model("frill").card.dim == 2048
    assert _brought() == FILES


def test_a_stated_checksum_must_hold(hub: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    _at(hub.url("frill/1"), monkeypatch, checksum=f"sha256:{'0' * 64}")
    with pytest.raises(ModelError, match=rf"has sha256:\w+, and sha256:{'0' * 64} is needed: it is removed"):
        fetch("frill")
    assert not (_weights() / "saved_model.pb").exists()
    _at(hub.url("frill/1"), monkeypatch, checksum=f"sha256:{hashlib.sha256(ARCHIVE).hexdigest()}")
    assert "as stated" in str(fetch("frill"))


def test_a_checksum_that_nobody_states_is_noted_and_a_later_change_refused(hub: Server) -> None:
    first = fetch("frill")
    digest = hashlib.sha256(ARCHIVE).hexdigest()
    assert f"sha256:{digest}; noted in fetch.json" in " ".join(str(first).split()).replace(", noted", "; noted")
    (_weights() / "saved_model.pb").unlink()
    other = FILES | {"saved_model.pb": b"another graph"}
    hub["bucket/frill.tar.gz"] = Served(tar(dict(other)), etag='"two"')
    with pytest.raises(ModelError, match=rf"and had sha256:{digest} on .*, and nobody states which is right"):
        fetch("frill")
    assert not (_weights() / "saved_model.pb").exists()


def test_a_member_that_would_leave_the_folder_is_refused(hub: Server) -> None:
    hub["bucket/frill.tar.gz"] = Served(tar({**FILES, "../out.txt": b"out"}))
    with pytest.raises(ModelError, match=r"\.\./out.txt would be written outside of the folder"):
        fetch("frill")
    assert not (_weights().parent / "out.txt").exists()


def test_another_archive_is_not_taken_for_the_model(hub: Server) -> None:
    hub["bucket/frill.tar.gz"] = Served(tar({"model.tflite": b"lite"}))
    with pytest.raises(ModelError, match=r"brought no saved_model.pb, so it is not the SavedModel it should be"):
        fetch("frill")


def test_without_a_network_the_error_says_where_to_get_and_where_to_put_them(
    hub: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_fetch_http, "TRIES", 0)
    _at("http://127.0.0.1:9/frill", monkeypatch)
    with pytest.raises(
        ModelError, match=r"the weights of frill are not here, and cannot be fetched: cannot reach"
    ) as caught:
        open_model("frill")
    said = str(caught.value)
    assert "\n" not in said
    assert "get them at https://www.kaggle.com/models/google/nonsemantic-speech-benchmark and unpack them into" in said
    assert said.endswith(f"so that {_weights() / 'saved_model.pb'} is there")


def test_weights_put_there_by_hand_are_found_and_half_of_them_said(hub: Server) -> None:
    tiny_models.savedmodel(_weights())
    _convert()
    assert open_model("frill").card.dim == 2048
    (_weights() / "variables" / "variables.index").unlink()
    with pytest.raises(ModelError, match="half of a SavedModel"):
        open_model("frill")
    assert hub["frill/1"].requests == []


def test_show_fetches_nothing(hub: Server) -> None:
    text = str(show("frill"))
    assert "2,048" in text
    assert "not here: noss fetch frill brings them" in text
    assert hub["frill/1"].requests == []


def test_a_model_without_public_weights_is_not_fetched() -> None:
    with pytest.raises(DataError, match="logmel_stats has no weights to fetch"):
        fetch("logmel_stats")


def test_every_home_says_where_its_weights_belong() -> None:
    for part in shelf.names("models"):
        module = shelf.load("models", part)
        for choice, home in getattr(module, "HOMES", {}).items():
            assert home.folder.split("/")[0] == part
            assert home.url.startswith("https://")
            assert json.dumps(module.CARDS[choice].weights) == json.dumps(home.url)
