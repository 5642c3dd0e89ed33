"""Any audio model of MTEB: `mteb/OWNER/NAME`, as its own registry builds it; one vector a clip.

The model is asked as MTEB asks it, with batches `{"audio": [{"array", "sampling_rate"}]}`, one clip each, so that it does
its own padding, pooling and cutting on no other clip. It is fed at the rate it asks for, 16 kHz if it
asks for none. A model
whose entry asks to run code of a repository does so only if `--trust-remote-code` names it.

Source: the encoder protocol of MTEB 2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from noss.errors import ModelError
from noss.models import Card, Embedder

if TYPE_CHECKING:
    from noss.models._foreign import Opened


def card(choice: str, *, trust_remote_code: bool = False) -> Card:
    """The facts of a model of MTEB: those of its entry, and its dimension as measured.

    Raises:
        MissingExtraError: MTEB is not installed.
        ModelError: MTEB has no such audio model, cannot load it, or it would run a repository's code and is not trusted.
    """
    from noss.models import _foreign, _mteb

    entry = _mteb.entry(choice, trusted=trust_remote_code)
    facts: dict[str, Any] = {
        "licence": str(entry.license or "unknown"),
        "source": str(entry.reference or f"https://huggingface.co/{choice}"),
        "num_parameters": entry.n_parameters,
        "size_mb": entry.memory_usage_mb,
        "trained_on": tuple(sorted(entry.training_datasets or ())),
        "citation": " ".join((entry.citation or "").split())[:200],
        "notes": "Model of MTEB, asked one clip at a time; clips below 0.5 s are padded.",
    }
    return _foreign.card(_open(choice, trust_remote_code), **facts)


def build(choice: str, *, trust_remote_code: bool = False) -> Embedder:
    """The model of MTEB as a module that takes clips of one length."""
    from noss.models._foreign import Foreign

    return Foreign(_open(choice, trust_remote_code)).eval()


def _open(choice: str, trusted: bool) -> Opened:
    from noss.models import _mteb
    from noss.models._foreign import Opened

    if not choice:
        raise ModelError("mteb needs a model: write mteb/OWNER/NAME")
    entry = _mteb.entry(choice, trusted=trusted)
    model = _mteb.loaded(entry, choice)
    rate = _mteb.sample_rate(model)
    return Opened(
        name=f"mteb/{choice}",
        call=_mteb.caller(model, sample_rate=rate),
        sample_rate=rate,
        address=f"https://huggingface.co/{choice}/tree/{entry.revision or 'main'}",
    )
