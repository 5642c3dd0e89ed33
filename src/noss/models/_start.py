"""Where a student starts from: the weights of another model that fit it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from noss import shelf
from noss.errors import ModelError

if TYPE_CHECKING:
    from torch import nn


def take_over(module: nn.Module, start: str, *, student: str) -> None:
    """Give a student the weights of another model that have the names and shapes of its own.

    Raises:
        ModelError: There are none.
    """
    parsed = shelf.parse_model(start)
    other: Any = shelf.load("models", parsed.part).build(parsed.choice or "")
    own = module.state_dict()
    theirs = other.state_dict() if hasattr(other, "state_dict") else {}
    same = {name: value for name, value in theirs.items() if name in own and own[name].shape == value.shape}
    if not same:
        raise ModelError(
            f"no weight of {start} has the name and shape of one of {student}: start from a model that is built alike"
        )
    module.load_state_dict({**own, **same})
