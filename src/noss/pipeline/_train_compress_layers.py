"""Which layers of a student are compressed, and to what size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from torch import nn

from noss.errors import DataError
from noss.pipeline._train_compress_settings import LowRank, Prune, Settings
from noss.shelf import did_you_mean

_KEEP_ZERO: Final = (
    *(nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Hardswish, nn.Tanh),
    *(nn.Dropout, nn.Identity),
)


def chosen(student: nn.Module, settings: Settings) -> dict[str, nn.Module]:
    """The layers that the settings name, or all that are large enough and become smaller.

    Raises:
        DataError: There is no such layer.
    """
    able = {name: part for name, part in student.named_modules() if name and _is_able(part, settings)}
    if settings.layers is None:
        return _large(student, able, settings)
    found: dict[str, nn.Module] = {}
    for word in settings.layers:
        matches = {name: part for name, part in able.items() if f"{name}.".startswith(f"{word}.")}
        if not matches:
            raise DataError(
                f"compress names {word!r} and no layer that can be is so called: {did_you_mean(word, [*able])}"
            )
        found |= matches
    return found


def ranks(layers: Mapping[str, nn.Module], settings: LowRank) -> dict[str, int]:
    """The rank of each layer's two matrices.

    Raises:
        DataError: A layer has no such rank, or two matrices of it are no smaller than the layer.
    """
    found: dict[str, int] = {}
    for name, part in layers.items():
        out, inside = sides(part)
        rank = _rank(part, settings)
        if rank > min(out, inside):
            raise DataError(
                f"compress asks for rank {rank} and {name} is {out} x {inside}: {min(out, inside)} is its most"
            )
        if not _saves(part, settings):
            least = (out * inside - 1) // (out + inside)
            raise DataError(
                f"two matrices of rank {rank} are no smaller than {name}, which is {out} x {inside}: ask for {least} or "
                "less, or leave the layer out"
            )
        found[name] = rank
    return found


def followers(student: nn.Module) -> dict[str, str]:
    """Linear layers whose outputs only one other linear layer hears, with that one: between them, zero stays zero."""
    found: dict[str, str] = {}
    for path, part in student.named_modules():
        if type(part) is nn.Sequential:
            found |= _chain(part, prefix=f"{path}." if path else "")
    return found


def sides(part: Any) -> tuple[int, int]:
    """Outputs and inputs of a layer."""
    out = int(part.weight.shape[0])
    return out, int(part.weight.numel()) // out


def _chain(part: nn.Sequential, *, prefix: str) -> dict[str, str]:
    found: dict[str, str] = {}
    last = None
    for name, one in part.named_children():
        if isinstance(one, nn.Linear):
            if last is not None:
                found[prefix + last] = prefix + name
            last = name
        elif not isinstance(one, _KEEP_ZERO):
            last = None
    return found


def _is_able(part: nn.Module, settings: Settings) -> bool:
    if isinstance(part, nn.Linear):
        return True
    if isinstance(settings, Prune):
        return isinstance(part, nn.Conv1d | nn.Conv2d) and part.groups == 1
    if isinstance(settings, LowRank) and isinstance(part, nn.Conv1d | nn.Conv2d):
        return part.groups == 1 and {*part.kernel_size, *part.stride} == {1}
    return False


def _large(student: nn.Module, able: Mapping[str, nn.Module], settings: Settings) -> dict[str, nn.Module]:
    if isinstance(settings, Prune):
        behind = followers(student)
        able = {name: part for name, part in able.items() if name in behind}
    if not able:
        kind = "pair of linear layers to prune between" if isinstance(settings, Prune) else "linear layer"
        raise DataError(f"compress finds no {kind} in the student: name layers, or choose another kind")
    sizes = {name: _size(part) for name, part in able.items()}
    found = {
        name: part
        for name, part in able.items()
        if sizes[name] >= settings.min_size and (not isinstance(settings, LowRank) or _saves(part, settings))
    }
    if not found:
        raise DataError(
            f"compress finds no layer that it makes smaller: of {len(able)} that it could, the largest has "
            f"{max(sizes.values())} weights, and min_size is {settings.min_size}; name layers, or lower it"
        )
    return found


def _rank(part: nn.Module, settings: LowRank) -> int:
    wanted = settings.rank
    return wanted if isinstance(wanted, int) else max(1, round(wanted * min(sides(part))))


def _saves(part: nn.Module, settings: LowRank) -> bool:
    out, inside = sides(part)
    return _rank(part, settings) * (out + inside) < out * inside


def _size(part: Any) -> int:
    return int(part.weight.numel())
