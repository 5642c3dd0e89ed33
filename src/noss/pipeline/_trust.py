"""Which models may run code that somebody else wrote: only those that the user names, one by one."""

from __future__ import annotations

from collections.abc import Sequence

from noss import shelf
from noss.errors import ModelError
from noss.pipeline._request import words

OPTION = "trust_remote_code"


def trust(name: str, given: Sequence[str] | str) -> dict[str, bool]:
    """The option that lets a model run the code of its repository, if `given` names it; layers and pooling aside."""
    return {OPTION: True} if _bare(name) in {_bare(word) for word in words(given)} else {}


def check_trusted(given: Sequence[str] | str, models: Sequence[str]) -> None:
    """See that every model that is trusted is one of those in use.

    Raises:
        ModelError: One is not: a misspelt name must not pass for a decision.
    """
    known = {_bare(name) for name in models}
    for word in words(given):
        if _bare(word) not in known:
            raise ModelError(
                f"--trust-remote-code names {word}, which is none of the models: {shelf.did_you_mean(word, list(models))}"
            )


def _bare(name: str) -> tuple[str, str | None]:
    parsed = shelf.parse_model(name)
    return parsed.part, parsed.choice
