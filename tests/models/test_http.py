"""A service over HTTP: asked as documented, bounded, tried again, never handed the key elsewhere, each failure one line."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from embedding_server import DIM, Service, serving, vector

from noss.errors import ModelError
from noss.models import _endpoint, http
from noss.pipeline._check_model import check_model
from noss.pipeline.embed import embed

RATE = 16_000


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_endpoint, "BACK_OFF_S", 0.01)


@pytest.fixture
def service() -> Iterator[Service]:
    with serving() as found:
        yield found


def _sound(seconds: float = 0.5, *, level: float = 0.1, seed: int = 0) -> torch.Tensor:
    noise = level * np.random.default_rng(seed).uniform(-1, 1, int(seconds * RATE))
    return torch.from_numpy(noise.astype(np.float32))[None]


def _vector(url: str) -> torch.Tensor:
    waveform = _sound()
    return http.build(url)(waveform, torch.tensor([waveform.shape[1]]))[0]


def test_a_plain_service_gives_one_vector_a_clip(service: Service) -> None:
    expected = vector(_sound()[0].numpy())
    np.testing.assert_allclose(_vector(f"{service.url}#dim={DIM}&model=m2")[0, 0, 0], expected, atol=1e-4)
    assert {key: service.asked[0][key] for key in ("model", "sample_rate")} == {"model": "m2", "sample_rate": RATE}


def test_a_url_that_ends_in_embeddings_is_asked_as_openai_is() -> None:
    with serving("/v1/embeddings") as service:
        np.testing.assert_allclose(_vector(service.url)[0, 0, 0], vector(_sound()[0].numpy()), atol=1e-4)
    asked = service.asked[0]
    assert asked["input"].startswith("data:audio/wav;base64,")
    assert asked["encoding_format"] == "float"


def test_the_dimension_is_asked_for_only_where_it_is_not_stated(service: Service) -> None:
    assert http.card(f"{service.url}#dim={DIM}").dim == DIM
    assert service.asked == []
    assert http.card(service.url).dim == DIM
    assert len(service.asked) == 1


def test_a_service_keeps_the_contract(service: Service) -> None:
    wrong = [verdict for verdict in check_model(f"http/{service.url}#dim={DIM}") if verdict.ok is False]
    assert wrong == []


def test_a_busy_service_is_asked_again(service: Service) -> None:
    service.faults = ["500", "500", "500"]
    assert _vector(f"{service.url}#dim={DIM}").shape == (1, 1, 1, DIM)
    assert len(service.asked) == 4


@pytest.mark.parametrize(
    ("fault", "message", "requests"),
    [
        ("500", "answers 500 Internal Server Error", 4),
        ("401", "answers 401 Unauthorized", 1),
        ("dim", "answers with 5 numbers and 6 are expected", 1),
        ("nan", "answers with NaN or infinity", 1),
        ("html", "answers with something else than JSON", 1),
        ("words", "answers without an embedding: a list of numbers", 1),
        ("huge", "answers with more than 16 MB", 1),
        ("hang", r"gives no answer within 0\.2 s", 4),
        ("drip", r"takes longer than 0\.2 s for a clip", 4),
    ],
)
def test_a_bad_answer_is_one_line_and_only_what_may_pass_is_tried_again(
    fault: str, message: str, requests: int, service: Service
) -> None:
    service.faults = [fault] * 4
    began = time.monotonic()
    with pytest.raises(_endpoint.AnswerError, match=message) as caught:
        _vector(f"{service.url}#dim={DIM}&timeout_s=0.2")
    assert "\n" not in str(caught.value)
    assert len(service.asked) == requests
    assert time.monotonic() - began < 15


def _files(folder: Path, *, loud: int, num: int = 6) -> list[str]:
    for place in range(num):
        sound = _sound(level=0.9 if place == loud else 0.1, seed=place)[0].numpy()
        soundfile.write(folder / f"{place}.wav", sound, RATE)
    return [str(folder / f"{place}.wav") for place in range(num)]


@pytest.mark.parametrize("fault", ["dim", "500", "nan", "hang"])
def test_a_clip_without_an_answer_is_listed_and_the_rest_is_embedded_once(
    fault: str, service: Service, tmp_path: Path
) -> None:
    service.loud, name = fault, f"http/{service.url}#dim={DIM}&timeout_s=0.2"
    files = _files(tmp_path, loud=2)
    done = embed(name, files, out=tmp_path / "out.parquet", workers=0)
    assert (done.num_clips, [Path(row.file).name for row in done.failures]) == (5, ["2.wav"])
    assert service.url.partition("#")[0] in done.failures[0].reason
    requests = 4 if fault in {"500", "hang"} else 1
    assert len(service.asked) == 5 + requests  # no clip of the batch was sent again for the sake of another
    service.loud = ""
    again = embed(name, files, out=tmp_path / "out.parquet", workers=0)
    assert (again.num_clips, again.newly_embedded, len(service.asked)) == (6, 1, 6 + requests)


def test_a_service_that_is_gone_stops_the_run(service: Service, tmp_path: Path) -> None:
    service.faults = ["hang"] * 100
    with pytest.raises(ModelError, match="gave no answer 5 clips in a row: mend it"):
        embed(
            f"http/{service.url}#dim={DIM}&timeout_s=0.05",
            _files(tmp_path, loud=-1, num=12),
            out=tmp_path / "o.csv",
            workers=0,
        )


def test_a_closed_port_is_one_line() -> None:
    with serving() as service:
        url = service.url
    with pytest.raises(ModelError, match=r"cannot be reached \(Connection refused\); mend the service") as caught:
        http.card(url)
    assert "\n" not in str(caught.value)


def test_the_key_comes_from_the_environment_and_no_redirect_is_followed(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_KEY", "secret")
    _vector(f"{service.url}#dim={DIM}&key=SOME_KEY")
    assert service.keys == ["Bearer secret"]
    with serving() as other:
        service.faults, service.elsewhere = ["302"], other.url
        with pytest.raises(_endpoint.AnswerError, match=r"redirects to 127\.0\.0\.1:\d+, which is not followed"):
            _vector(f"{service.url}#dim={DIM}&key=SOME_KEY")
        assert other.asked == []


def test_no_password_of_netrc_is_sent(service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    _vector(f"{service.url}#dim={DIM}")
    assert service.keys == [None]


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ("", "names no service: write http/https://HOST/PATH"),
        ("ftp://host/x", "names no service"),
        ("http://127.0.0.1/x#dims=3", "unknown fact 'dims': did you mean dim"),
        ("http://127.0.0.1/x#dim=-3", "says dim=-3: it must be a number above 0"),
        ("http://127.0.0.1/x#dim=many", "says dim=many"),
        ("https://me:pass@host/x", "leave it out, and name the key's variable"),
        ("https://host/x#key=NO_SUCH_KEY", "environment variable 'NO_SUCH_KEY', which is not set"),
        ("http://example.org/x#key=PATH", "unencrypted: use https"),
    ],
)
def test_a_wrong_name_is_refused(choice: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        http.card(choice)
