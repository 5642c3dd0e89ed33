"""Any encoder written for X-ARES: `xares/FILE.py`, whose class ends in `Encoder`, or `xares/FILE.py:CLASS`.

The class takes no arguments; an object of it states `sampling_rate` (Hz), `output_dim` and `hop_size_in_ms`, and maps
waveforms (B, T) to frames (B, S, D). Nothing of the package itself is needed. The API passes no lengths, so clips are
batched by length; clips below half a second are padded.

Source: X-ARES 0.1.3, its template of an encoder; Zhang et al. 2025, arXiv:2505.16369.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from noss.errors import ModelError
from noss.models import Card, Embedder, _own_code

if TYPE_CHECKING:
    from noss.models._foreign import Opened

NOTES = "Encoder of X-ARES; clips below 0.5 s are padded."


def card(choice: str) -> Card:
    """The facts of an encoder, which it states once it is built.

    Raises:
        ModelError: There is no such file or class, it breaks the API, or its frames are not what it states.
    """
    from noss.models import _foreign

    opened, stated = _open(choice)
    found = _foreign.card(opened, notes=NOTES)
    if found.dim != stated:
        raise ModelError(
            f"{opened.name} states output_dim {stated} and gives frames of {found.dim}: correct one of them"
        )
    return found


def build(choice: str) -> Embedder:
    """The encoder as a module that takes clips of one length."""
    from noss.models._foreign import Foreign

    return Foreign(_open(choice)[0]).eval()


def _open(choice: str) -> tuple[Opened, int]:
    from noss.models._foreign import Opened

    name = f"xares/{choice}"
    file, _, kind = choice.partition(":")
    if not file.endswith(".py"):
        raise ModelError(f"{name} names no file: write xares/FILE.py or xares/FILE.py:CLASS")
    encoder = _class(file, kind, name)()
    facts = [_whole(encoder, key, name) for key in ("sampling_rate", "output_dim", "hop_size_in_ms")]
    return Opened(
        name=name,
        call=encoder,
        sample_rate=facts[0],
        net=encoder,
        files=(Path(file).expanduser(),),
        frame_rate=1000.0 / facts[2],
    ), facts[1]


def _class(file: str, kind: str, name: str) -> Any:
    module = _own_code.from_file(file, needed_by=name)
    if kind:
        return _own_code.member(module, kind, needed_by=name)
    own = [value for value in vars(module).values() if isinstance(value, type) and value.__module__ == module.__name__]
    found = [value for value in own if value.__name__.endswith("Encoder")]
    if len(found) != 1:
        names = ", ".join(value.__name__ for value in found) or "none"
        raise ModelError(f"{file} must define one class that ends in Encoder and has {names}: name it, {name}:CLASS")
    return found[0]


def _whole(encoder: Any, key: str, name: str) -> int:
    value = getattr(encoder, key, None)
    if not isinstance(value, int) or value <= 0:
        raise ModelError(
            f"the encoder of {name} states {key} = {value!r}: the API of X-ARES needs a whole number above 0"
        )
    return value
