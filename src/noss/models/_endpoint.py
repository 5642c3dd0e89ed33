"""An embedding service over HTTP: bounded in time and size, tried again with back-off, and trusted with nothing."""

from __future__ import annotations

import base64
import io
import json
import math
import os
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urldefrag, urlsplit

import numpy as np
import requests
import urllib3
from numpy.typing import NDArray

from noss.errors import ModelError
from noss.shelf import did_you_mean

if TYPE_CHECKING:
    from torch import Tensor

TRIES, BACK_OFF_S, LONGEST_WAIT_S = 4, 0.5, 10.0
CONNECT_S, ANSWER_BYTES, TOGETHER = 10.0, 16_000_000, 4
GIVE_UP = 5  # clips in a row without an answer, after which the service is taken for gone
AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
FACTS = ("model", "dim", "sample_rate", "key", "timeout_s")
LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


class AnswerError(RuntimeError):
    """A service gave no vector for a clip; the clip is lost, the run goes on."""


class SilenceError(AnswerError):
    """A service gave no answer at all."""


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where a service is and what is told of it; `key` names an environment variable."""

    url: str
    model: str | None = None
    dim: int | None = None
    sample_rate: int = 16_000
    key: str | None = None
    timeout_s: float = 30.0

    @property
    def shown(self) -> str:
        """The address as messages write it: without a query, which may hold a secret."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}{parts.path}"

    @property
    def is_openai(self) -> bool:
        """Whether it is asked as OpenAI's API is."""
        return urlsplit(self.url).path.rstrip("/").endswith("/embeddings")


def address(choice: str) -> Address:
    """The address in a name, its facts checked.

    Raises:
        ModelError: It is no URL, has an unknown fact, or would send a key in the open or none at all.
    """
    url, fragment = urldefrag(choice)
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ModelError(f"http/{choice} names no service: write http/https://HOST/PATH")
    if parts.username is not None:
        raise ModelError(
            "http/... has a user's name in its URL: leave it out, and name the key's variable, #key=MY_KEY"
        )
    facts = dict(parse_qsl(fragment, keep_blank_values=True))
    for name in facts:
        if name not in FACTS:
            raise ModelError(f"http/{choice} has the unknown fact {name!r}: {did_you_mean(name, list(FACTS))}")
    found = Address(
        url=url,
        model=facts.get("model"),
        dim=_number(facts, "dim", int),
        sample_rate=_number(facts, "sample_rate", int) or 16_000,
        key=facts.get("key"),
        timeout_s=_number(facts, "timeout_s", float) or 30.0,
    )
    if found.key is not None and not os.environ.get(found.key):
        raise ModelError(
            f"{found.shown} wants the key in the environment variable {found.key!r}, which is not set: set it"
        )
    if found.key is not None and parts.scheme == "http" and parts.hostname not in LOCAL:
        raise ModelError(f"{found.shown} would be sent the key of {found.key} unencrypted: use https")
    return found


def measured_dim(place: Address) -> int:
    """The dimension of a service, found by sending it a second of faint noise.

    Raises:
        ModelError: It gives no vector.
    """
    noise_T = 0.01 * np.random.default_rng(0).standard_normal(place.sample_rate).astype(np.float32)
    try:
        return len(Endpoint(place).ask(noise_T))
    except AnswerError as error:
        raise ModelError(f"{error}; mend the service, or correct the name") from error


class Endpoint:
    """A service that is asked for one clip at a time."""

    def __init__(self, place: Address) -> None:
        self.place = place
        self._session = requests.Session()
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.mount("https://", requests.adapters.HTTPAdapter(pool_maxsize=TOGETHER))

    def ask(self, waveform_T: NDArray[np.float32]) -> NDArray[np.float32]:
        """The vector (D,) of a waveform (T,).

        Raises:
            AnswerError: There is none, after all tries; in one line, why.
        """
        body = json.dumps(_question(waveform_T, self.place)).encode()
        wait_s = BACK_OFF_S
        for left in reversed(range(TRIES)):
            try:
                return self._vector(self._answer(body))
            except _BusyError as error:
                if not left:
                    raise error.final from error
                time.sleep(min(max(wait_s, error.wait_s), LONGEST_WAIT_S))
                wait_s *= 2
        raise AssertionError("unreachable")

    def _answer(self, body: bytes) -> bytes:
        """What the service says, at most so many bytes in at most so many seconds."""
        shown, limit_s = self.place.shown, self.place.timeout_s
        ends = time.monotonic() + limit_s
        options: dict[str, Any] = {
            "timeout": (min(CONNECT_S, limit_s), limit_s),
            "allow_redirects": False,
            "stream": True,
        }
        try:
            with self._session.post(self.place.url, data=body, auth=self._sign, **options) as response:
                self._check_status(response)
                content = bytearray()
                while block := response.raw.read1(65_536, decode_content=True):  # as it comes: a block may never fill
                    content += block
                    if time.monotonic() > ends:
                        raise _BusyError(SilenceError(f"{shown} takes longer than {limit_s:g} s for a clip"))
                    if len(content) > ANSWER_BYTES:
                        raise AnswerError(f"{shown} answers with more than {ANSWER_BYTES // 10**6} MB for a clip")
                return bytes(content)
        except (requests.Timeout, urllib3.exceptions.TimeoutError) as error:
            raise _BusyError(SilenceError(f"{shown} gives no answer within {limit_s:g} s")) from error
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise _BusyError(SilenceError(f"{shown} cannot be reached ({_why(error)})")) from error

    def _check_status(self, response: requests.Response) -> None:
        shown, status = self.place.shown, response.status_code
        if response.is_redirect:
            host = urlsplit(response.headers["Location"]).netloc or "another path"
            raise AnswerError(f"{shown} redirects to {host}, which is not followed: name that address itself")
        if status in AGAIN:
            after = response.headers.get("Retry-After", "")
            final = AnswerError(f"{shown} answers {status} {response.reason}".rstrip())
            raise _BusyError(final, wait_s=float(after) if after.isdecimal() else 0.0)
        if status != 200:
            raise AnswerError(f"{shown} answers {status} {response.reason}".rstrip())

    def _vector(self, answer: bytes) -> NDArray[np.float32]:
        shown = self.place.shown
        try:
            values = _embedding(json.loads(answer))
        except (ValueError, RecursionError) as error:
            raise AnswerError(f"{shown} answers with something else than JSON") from error
        if not isinstance(values, list) or not values or not all(type(value) in (int, float) for value in values):
            raise AnswerError(f"{shown} answers without an embedding: a list of numbers is needed")
        if not all(math.isfinite(value) and abs(value) < np.finfo(np.float32).max for value in values):
            raise AnswerError(f"{shown} answers with NaN or infinity")
        if self.place.dim is not None and len(values) != self.place.dim:
            raise AnswerError(f"{shown} answers with {len(values)} numbers and {self.place.dim} are expected")
        return np.array(values, dtype=np.float32)

    def _sign(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Put the key into a request; being asked for one at all keeps `.netrc` out of it."""
        request.headers["Content-Type"] = "application/json"
        if self.place.key is not None:
            request.headers["Authorization"] = f"Bearer {os.environ.get(self.place.key, '')}"
        return request


class HttpEmbedder:
    """A service as an embedder: several clips are on their way at once.

    What became of the last clips is remembered: where one of a batch is lost, the pipeline tries the batch clip by clip, and
    no clip should be sent, or waited for, twice.
    """

    def __init__(self, endpoint: Endpoint, *, kept: int = 512) -> None:
        self._endpoint, self._kept, self._silent = endpoint, kept, 0
        self._known: OrderedDict[bytes, NDArray[np.float32] | AnswerError] = OrderedDict()

    def __call__(self, waveform_BT: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        """Map waveforms (B, T) to one vector a clip (B, 1, 1, D), and ones (B,)."""
        import torch

        clips = [row[:length] for row, length in zip(waveform_BT.cpu().numpy(), lengths_B.tolist(), strict=True)]
        with ThreadPoolExecutor(TOGETHER) as pool:
            outcomes = list(pool.map(self._ask, clips))
        lost = [outcome for outcome in outcomes if isinstance(outcome, AnswerError)]
        if lost:
            raise lost[0]
        vectors_BD = np.stack([outcome for outcome in outcomes if not isinstance(outcome, AnswerError)])
        return torch.from_numpy(vectors_BD)[:, None, None], torch.ones_like(lengths_B)

    def _ask(self, clip_T: NDArray[np.float32]) -> NDArray[np.float32] | AnswerError:
        name = clip_T.tobytes()
        if name in self._known:
            return self._known[name]
        if self._silent >= GIVE_UP:
            raise ModelError(
                f"{self._endpoint.place.shown} gave no answer {GIVE_UP} clips in a row: mend it, then run this again"
            )
        try:
            outcome: NDArray[np.float32] | AnswerError = self._endpoint.ask(clip_T)
        except AnswerError as error:
            outcome = error
        self._silent = self._silent + 1 if isinstance(outcome, SilenceError) else 0
        self._known[name] = outcome
        while len(self._known) > self._kept:
            self._known.popitem(last=False)
        return outcome


class _BusyError(Exception):
    """A try that failed in a way which may pass; `final` is what is said if it does not."""

    def __init__(self, final: AnswerError, *, wait_s: float = 0.0) -> None:
        super().__init__(str(final))
        self.final, self.wait_s = final, wait_s


def _question(waveform_T: NDArray[np.float32], place: Address) -> dict[str, Any]:
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, np.clip(waveform_T, -1.0, 1.0), place.sample_rate, format="WAV", subtype="PCM_16")
    audio = base64.b64encode(file.getvalue()).decode()
    told = {"model": place.model} if place.model is not None else {}
    if place.is_openai:
        return {"model": "", **told, "input": f"data:audio/wav;base64,{audio}", "encoding_format": "float"}
    return {**told, "audio": audio, "sample_rate": place.sample_rate}


def _embedding(answer: Any) -> Any:
    """The list in an answer, wherever the kinds of services put it."""
    for key in ("data", "embeddings", 0, "embedding", 0):
        if isinstance(answer, dict) and key in answer:
            answer = answer[key]
        elif isinstance(answer, list) and key == 0 and len(answer) == 1 and isinstance(answer[0], dict | list):
            answer = answer[0]
    return answer


def _number(facts: dict[str, str], name: str, kind: Callable[[str], Any]) -> Any:
    if name not in facts:
        return None
    try:
        value = kind(facts[name])
    except ValueError:
        value = math.nan
    if not value > 0 or value == math.inf:
        raise ModelError(f"http/... says {name}={facts[name]}: it must be a number above 0")
    return value


def _why(error: Exception) -> str:
    """The innermost reason, in a few words."""
    inner: BaseException = error
    while (below := inner.__cause__ or inner.__context__) is not None:
        inner = below
    return (getattr(inner, "strerror", None) or type(inner).__name__)[:120]
