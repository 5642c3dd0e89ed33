"""Foreign graphs (ONNX, LiteRT) as embedders: a runner does the arithmetic, this page keeps the embedding contract."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from noss.errors import ModelError
from noss.models import Embedder, _windows
from noss.models._card_file import CardFile

if TYPE_CHECKING:
    from torch import Tensor

Shape = tuple[int | None, ...]
BLOCK = 8  # windows run at once: larger batches fall out of the processor's cache
MIN_S = 0.5  # what a graph of any length is padded to where no card file says how short a clip it bears


class Runner(Protocol):
    """A loaded graph with one input and one output; None in a shape stands for any size."""

    name: str
    input_shape: Shape
    output_shape: Shape

    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the graph on a batch (B, ...) that has its input's shape."""
        ...


def embedder(run: Runner, card_file: CardFile, *, front_end: Runner | None = None) -> Embedder:
    """An embedder of a loaded graph, fed as its card file says."""
    clip = _windowed(run, card_file, front_end) if card_file.pieces else _whole(run, card_file)

    def embed(waveform_BT: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        import torch

        clips = [row[:length] for row, length in zip(waveform_BT.cpu().numpy(), lengths_B.tolist(), strict=True)]
        frames = clip([np.multiply(row, card_file.scale, dtype=np.float32) for row in clips])
        frame_lengths_B = torch.tensor([len(row) for row in frames])
        padded = [np.pad(row, ((0, int(frame_lengths_B.max()) - len(row)), (0, 0))) for row in frames]
        return torch.from_numpy(np.stack(padded))[:, None], frame_lengths_B

    return embed


def infer(run: Runner, *, sample_rate: int = 16_000) -> CardFile:
    """The facts of a graph that has no card file, read from its shapes: a waveform goes in, frames or a vector come out.

    Raises:
        ModelError: The shapes do not tell; the message says what a card file must state.
    """
    shape, dim = run.input_shape, run.output_shape[-1] if run.output_shape else None
    if not 1 <= len(shape) <= 3 or (len(shape) == 3 and shape[1] != 1) or not dim or shape[-1] == 1:
        raise ModelError(
            f"{run.name} maps {_text(shape)} to {_text(run.output_shape)}, which is not a waveform (batch, time) to "
            f"(batch, frames, dim) or (batch, dim): write {run.name}.card.json with sample_rate, dim, window, hop and front_end"
        )
    if shape[-1] is not None:
        return CardFile(sample_rate=sample_rate, dim=dim, window=shape[-1])
    plain = CardFile(sample_rate=sample_rate, dim=dim, min_s=MIN_S)
    if len(run.output_shape) < 3 and len(shape) > 1 and shape[0] is None:
        return plain  # one vector a clip of a batch
    probe = _whole(run, plain)
    one, two = (len(probe([np.zeros(seconds * sample_rate, np.float32)])[0]) for seconds in (1, 2))
    return replace(plain, frame_rate=float(two - one))


Clips = Callable[[list[NDArray[np.float32]]], list[NDArray[np.float32]]]


def _windowed(run: Runner, card_file: CardFile, front_end: Runner | None) -> Clips:
    """Clips to frames (S, D), one a window; every clip is cut on its own, so padding and company do not matter."""
    assert card_file.pieces is not None and card_file.window is not None
    window, hop = card_file.pieces
    steps = {"window": card_file.window, "hop": card_file.hop or card_file.window}

    def pieces(waveform_T: NDArray[np.float32]) -> NDArray[np.float32]:
        padded_T = _windows.pad(waveform_T, window=window, hop=hop)
        return _windows.cut(_features(front_end, card_file, padded_T) if front_end else padded_T, **steps)

    def embed(clips: list[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        cut = [pieces(clip) for clip in clips]
        frames_SD = _vectors(run, np.concatenate(cut), dim=card_file.dim)
        return np.split(frames_SD, np.cumsum([len(part) for part in cut])[:-1])

    return embed


def _features(front_end: Runner, card_file: CardFile, waveform_T: NDArray[np.float32]) -> NDArray[np.float32]:
    """Frames of the front end (S, D) of one clip, put through the card's line."""
    facts = card_file.front_end
    assert facts is not None
    features = front_end(waveform_T.reshape(_filled(front_end, (len(waveform_T),), rows=1)))
    frames_SD = features.reshape(-1, features.shape[-1])
    expected = _windows.count(len(waveform_T), window=facts.window, hop=facts.hop)
    if len(frames_SD) != expected:
        raise ModelError(
            f"{front_end.name} gives {len(frames_SD)} frames for {len(waveform_T)} samples and its card says {expected}: "
            f"correct window and hop of front_end"
        )
    return frames_SD * np.float32(facts.multiply) + np.float32(facts.add)


def _vectors(run: Runner, pieces: NDArray[np.float32], *, dim: int) -> NDArray[np.float32]:
    """One vector a piece (S, D), in blocks that stay in the processor's cache."""
    many = run.input_shape[0] is None and len(run.input_shape) >= pieces.ndim
    step = BLOCK if many else 1
    out = []
    for start in range(0, len(pieces), step):
        block = pieces[start : start + step]
        result = run(block.reshape(_filled(run, block.shape[1:], rows=len(block))))
        if result.size != len(block) * dim:
            raise ModelError(
                f"{run.name} gives {result.shape} for {len(block)} windows and its card says dim {dim}: correct dim or output"
            )
        out.append(result.reshape(len(block), dim))
    return np.concatenate(out)


def _whole(run: Runner, card_file: CardFile) -> Clips:
    """Clips of one length to frames (S, D), each fed whole."""
    together = len(run.input_shape) > 1 and run.input_shape[0] is None

    def embed(clips: list[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        groups = [clips] if together else [[clip] for clip in clips]
        return [frames_SD for group in groups for frames_SD in _frames(run, np.stack(group), dim=card_file.dim)]

    return embed


def _frames(run: Runner, waveform_BT: NDArray[np.float32], *, dim: int) -> NDArray[np.float32]:
    result = run(waveform_BT.reshape(_filled(run, waveform_BT.shape[1:], rows=len(waveform_BT))))
    if result.shape[-1] != dim or result.size % (len(waveform_BT) * dim):
        raise ModelError(
            f"{run.name} gives {result.shape} for {len(waveform_BT)} clips and its card says dim {dim}: correct dim or output"
        )
    return result.reshape(len(waveform_BT), -1, dim)


def _filled(run: Runner, piece: tuple[int, ...], *, rows: int) -> tuple[int, ...]:
    """The shape of an input of so many pieces: sizes of 1 (channels) stand where the graph wants them."""
    if len(run.input_shape) == len(piece):
        return piece
    sizes = iter(piece)
    return (rows, *(1 if size == 1 else next(sizes, 1) for size in run.input_shape[1:]))


def _text(shape: Shape) -> str:
    return f"({', '.join('any' if size is None else str(size) for size in shape)})"
