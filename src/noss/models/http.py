"""An embedding service: `http/URL`, with facts behind a `#`: `http/https://host/v1/embeddings#model=m&dim=512`.

A URL that ends in `/embeddings` is asked as OpenAI's API is (`{"model", "input", "encoding_format": "float"}`, the input a
`data:audio/wav;base64,...` address) and answers `{"data": [{"embedding": [...]}]}`. Any other is sent
`{"audio": "<base64 of a WAV file>", "sample_rate": 16000}` and answers `{"embedding": [...]}` or the bare list. Clips are
sent one a request, as 16-bit WAV, several at once.

Facts, all optional: `model`, which the service is told; `dim`, without which one second of noise is sent to find out,
whenever the model is opened; `sample_rate` in Hz (16000); `key`, the name of the environment variable that holds the key,
sent as a bearer token to this address alone: a redirect is never followed; `timeout_s`, for one try of one clip (30).

A clip that gets no good answer after four tries is listed as failed, with the reason; after five such clips in a row the
run stops, and goes on where it stopped when it is run again. Vectors are kept in the store like any other: a service that
changes its model wants another URL, or `#model=` with its version.
"""

from __future__ import annotations

from noss.models import Card, Embedder
from noss.models._endpoint import Endpoint, HttpEmbedder, address, measured_dim


def card(choice: str) -> Card:
    """The facts of a service, from behind its URL; its dimension is asked for where it is not stated.

    Raises:
        ModelError: The URL or a fact is wrong, the key is not set, or the service does not answer.
    """
    found = address(choice)
    return Card(
        sample_rate=found.sample_rate,
        frame_rate=0.0,
        dim=found.dim or measured_dim(found),
        source=found.shown,
        licence="unknown",
        weights=found.url,
        min_s=0.1,
        notes="Computed by a service: audio leaves this machine.",
    )


def build(choice: str) -> Embedder:
    """An embedder that asks the service for one vector a clip."""
    return HttpEmbedder(Endpoint(address(choice)))
