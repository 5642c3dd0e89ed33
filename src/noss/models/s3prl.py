"""Any upstream of S3PRL: `s3prl/NAME` of the installed package, or `s3prl/FILE.py[:CLASS]`; layers as `@6` or `@all`.

An upstream takes a list of waveforms at 16 kHz and gives a dictionary with `hidden_states`, a list of frames (B, S, D),
and often `last_hidden_state`; `get_downsample_rates("hidden_states")` states the samples between its frames. Without a
layer the last hidden state counts. A class in a file (`UpstreamExpert` unless named) takes no arguments. The API leaves
padding to the upstream, so clips are batched by length; clips below half a second are padded. The package fetches the
weights of its own names, and unpickles them.

Source: the interface of S3PRL 0.4.18; Yang et al. 2021, SUPERB, arXiv:2105.01051.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from noss.errors import ModelError
from noss.models import Card, Embedder, _own_code

if TYPE_CHECKING:
    from torch import Tensor

    from noss.models._foreign import Opened

SAMPLE_RATE = 16_000


def card(choice: str, *, layer: str | None = None) -> Card:
    """The facts of an upstream, which it tells once it is built.

    Raises:
        ModelError: There is no such upstream, its package is missing, it breaks the API, or it has no such layer.
    """
    from noss.models import _foreign

    return _foreign.card(_open(choice, layer), notes="Upstream of S3PRL; clips below 0.5 s are padded.")


def build(choice: str, *, layer: str | None = None) -> Embedder:
    """The upstream as a module that takes clips of one length."""
    from noss.models._foreign import Foreign

    return Foreign(_open(choice, layer)).eval()


def _open(choice: str, layer: str | None) -> Opened:
    from noss.models._foreign import Opened

    name = f"s3prl/{choice}"
    make, files = _upstream(choice, name)
    upstream = make()
    if not callable(getattr(upstream, "get_downsample_rates", None)):
        raise ModelError(f"{name} has no get_downsample_rates: the API of S3PRL needs it, and forward")
    return Opened(
        name=name,
        call=_hidden_states(upstream, name),
        sample_rate=SAMPLE_RATE,
        net=upstream,
        files=files,
        address=None if files else f"https://s3prl.github.io/s3prl/#{choice}",
        layer=layer or "last_hidden_state",
        frame_rate=SAMPLE_RATE / upstream.get_downsample_rates("hidden_states"),
    )


def _upstream(choice: str, name: str) -> tuple[Callable[[], Any], tuple[Path, ...]]:
    """What makes the upstream, and the files it is made from; none for one of the package."""
    file, _, kind = choice.partition(":")
    if file.endswith(".py"):
        module = _own_code.from_file(file, needed_by=name)
        return _own_code.member(module, kind or "UpstreamExpert", needed_by=name), (Path(file).expanduser(),)
    if not choice:
        raise ModelError("s3prl needs an upstream: write s3prl/NAME or s3prl/FILE.py")
    hub = _own_code.package("s3prl.hub", needed_by=name, install="pip install s3prl, in an environment that suits it")
    return _own_code.member(hub, choice, needed_by=name), ()


def _hidden_states(upstream: Any, name: str) -> Callable[[Tensor], dict[str, Any]]:
    def call(waveform_BT: Tensor) -> dict[str, Any]:
        answer = upstream(list(waveform_BT))
        if not isinstance(answer, dict) or not answer.get("hidden_states"):
            raise ModelError(f"{name} gives no hidden_states: the API of S3PRL needs a dictionary with that list")
        last = answer.get("last_hidden_state")
        return {**answer, "last_hidden_state": answer["hidden_states"][-1] if last is None else last}

    return call
