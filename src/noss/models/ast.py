"""The audio spectrogram transformer untrained: `ast/trillsson4`, `ast/trillsson5` and `ast/base`.

Of the two transformers among TRILLsson's students the published facts are their parameters (63.4 M and 88.6 M, table 3 of
arXiv:2203.00236) and their front end; width and depth are not published. Those here are the ones with heads of 64 that
come to the same number, with the published dense layer to 1,024 behind them; `width` and `depth` make smaller ones. `base` is AST itself (86.2 M without its
classifier; arXiv:2104.01778, github.com/YuanGongND/ast), on 128 bands of 10.24 s; a trained one is had through
`transformers/...`, whose log-mel is Kaldi's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from noss.errors import ModelError
from noss.models import Card
from noss.shelf import did_you_mean

if TYPE_CHECKING:
    from torch import nn


def _card(
    *,
    dim: int,
    num_parameters: int,
    source: str,
    citation: str,
    min_s: float,
    window_s: float,
    padding: Literal["zeros", "symmetric"] = "zeros",
    notes: str,
) -> Card:
    return Card(
        sample_rate=16_000,
        frame_rate=0.0,
        dim=dim,
        source=source,
        licence="Apache-2.0",
        weights=None,
        min_s=min_s,
        padding=padding,
        window_s=window_s,
        num_parameters=num_parameters,
        citation=citation,
        ranked=False,
        devices=("cpu", "cuda"),
        notes=f"Random initialisation: {notes}",
    )


def _student(num_parameters: int, published: str) -> Card:
    return _card(
        dim=1024,
        num_parameters=num_parameters,
        source="arXiv:2203.00236",
        citation="Shor and Venugopalan 2022, TRILLsson",
        min_s=2.0,
        window_s=30.0,
        padding="symmetric",
        notes=f"width and depth chosen to come to the published {published} parameters; mean over pieces of 1.95 s.",
    )


CARDS = {
    "trillsson4": _student(63_405_120, "63.4 M"),
    "trillsson5": _student(88_568_512, "88.6 M"),
    "base": _card(
        dim=768,
        num_parameters=86_187_264,
        source="arXiv:2104.01778",
        citation="Gong et al. 2021, AST",
        min_s=0.025,
        window_s=10.24,
        notes="a control, or a start for training.",
    ),
}


# choice -> width, depth, frames and bands of a spectrogram
SIZES = {
    "trillsson4": (448, 26, 195, 80),
    "trillsson5": (576, 22, 195, 80),
    "base": (768, 12, 1024, 128),
}


def card(choice: str, *, width: int | None = None, depth: int | None = None) -> Card:
    """The facts of a transformer, of another width and depth where they are given.

    Raises:
        ModelError: There is no such choice, the width is no multiple of 64, or there is no layer.
    """
    dim, _ = _measures(choice, width, depth)
    if width is None and depth is None:
        return CARDS[choice]
    return replace(CARDS[choice], dim=dim if choice == "base" else CARDS[choice].dim, num_parameters=None)


def build(choice: str, *, width: int | None = None, depth: int | None = None, seed: int = 0) -> nn.Module:
    """The transformer behind its front end, in evaluation mode, weights drawn by `seed`.

    Args:
        choice: Which one.
        width: Size of its tokens, a multiple of 64; None for the choice's own.
        depth: Its layers; None for the choice's own.
        seed: Draws the weights.

    Raises:
        ModelError: As `card`.
    """
    import torch

    from noss.models._ast import AST, ClipAST, Size
    from noss.models._patch_net import PatchMean

    (dim, layers), (_, _, num_frames, n_mels) = _measures(choice, width, depth), SIZES[choice]
    size = Size(dim=dim, depth=layers, num_frames=num_frames, n_mels=n_mels)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return (ClipAST(size) if choice == "base" else PatchMean(AST(size), width=size.dim)).eval()


def _measures(choice: str, width: int | None, depth: int | None) -> tuple[int, int]:
    """Width and depth: those given, else the choice's own."""
    if choice not in CARDS:
        raise ModelError(f"no model 'ast/{choice}': {did_you_mean(choice, list(CARDS))}")
    if width is not None and (width < 1 or width % 64):
        raise ModelError(f"ast has heads of 64 and its width cannot be {width}: give a multiple of 64")
    if depth is not None and depth < 1:
        raise ModelError(f"ast is made of layers and its depth cannot be {depth}: give 1 or more")
    own_width, own_depth, _, _ = SIZES[choice]
    return own_width if width is None else width, own_depth if depth is None else depth
