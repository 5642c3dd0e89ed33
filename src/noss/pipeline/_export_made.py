"""A model on its way into a file: what is written, what is said of it, and the proof."""

from __future__ import annotations

import hashlib
import platform
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from importlib import metadata
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from noss import __version__
from noss.audio import read
from noss.errors import ModelError
from noss.exporters import LEAST_COSINE, TOLERANCE, Graph
from noss.pipeline._embed_forward import Forward
from noss.pipeline._export_proof import Compared, Shape, Waveform, compare, milliseconds, ranges_from, sounds_of
from noss.pipeline._models import Model, open_model

if TYPE_CHECKING:
    from noss.pipeline.export import Exported

_PACKAGES = ("torch", "onnx", "onnxruntime", "litert-torch", "ai-edge-litert")
_LONGEST_S = 30.0


class Made:
    """A torch model that is built, and the sounds that its file is compared on.

    Args:
        name: The model's name.
        window_s: The window that the file takes; None for any length.
        frames: Whether the file gives frames.
        clips: Recordings of the user's.
        ranges: Whether every second one of them sets ranges in place of being compared.
    """

    def __init__(
        self, name: str, *, window_s: float | None, frames: bool, clips: Sequence[str], ranges: bool = False
    ) -> None:
        self.model = open_model(name)
        _check(self.model, frames=frames)
        card = self.model.card
        window = None if window_s is None else ceil(window_s * card.sample_rate)
        if window is not None and window < ceil(card.min_s * card.sample_rate):
            raise ModelError(
                f"{name} needs {card.min_s:g} s at least and the window has {window_s:g} s: give a longer one"
            )
        self.shape = Shape(sample_rate=card.sample_rate, min_s=card.min_s, window=window, frames=frames)
        heard = [(clip, self._heard(clip)) for clip in dict.fromkeys(clips)]
        called = Counter(Path(clip).name for clip, _ in heard)
        compared, others = (heard[::2], heard[1::2]) if ranges else (heard, [])
        own = {name if called[name := Path(clip).name] == 1 else clip: sound for clip, sound in compared}
        self._sounds = sounds_of(self.shape) | own
        self._ranges = ranges_from(self.shape, [sound for _, sound in others])
        self._forward = Forward(self.model)

    def graph(self) -> Graph:
        """What is written.

        Raises:
            ModelError: The model is not made of torch.
        """
        from torch import nn

        from noss.pipeline._export_module import Exportable

        embedder = self.model.build()
        if not isinstance(embedder, nn.Module):
            raise ModelError(
                f"{self.model.name} is no torch module and cannot be exported: take a native model, or a trained one"
            )
        return Graph(
            module=Exportable(embedder.eval().requires_grad_(False), frames=self.shape.frames).eval(),
            name=self.model.name,
            min_samples=max(2, ceil(self.shape.min_s * self.shape.sample_rate)),
            window=self.shape.window,
            sounds=self._ranges,
        )

    def card_file(self, precision: str) -> dict[str, Any]:
        """The facts that say how to feed the file, see `noss.models._card_file`."""
        card, shape = self.model.card, self.shape
        facts: dict[str, Any] = {"sample_rate": card.sample_rate, "dim": card.dim}
        facts |= {"window": shape.window} if shape.window else {"min_s": card.min_s}
        if shape.frames:
            facts["frame_rate"] = card.frame_rate
        kept = ("window_s", "source", "licence", "citation", "num_parameters")
        notes = f"{self.model.name} in {precision}. {card.notes}".strip()
        return (
            facts | {name: getattr(card, name) for name in kept} | {"trained_on": list(card.trained_on), "notes": notes}
        )

    def compare(self, name: str, *, within: float) -> tuple[list[Compared], tuple[float, float]]:
        """The file, by its name as a model, against the model; and milliseconds of both.

        Raises:
            ModelError: They differ by more than they may, or the file's embeddings are not finite.
        """
        file = Forward(open_model(name))
        compared = compare(self._forward, file, self._sounds, shape=self.shape)
        for one in compared:
            if not one.difference <= min(within, 1e30):
                found = f"{self.model.name} and its file differ by {one.difference:.2g} on {one.sound} ({one.seconds:.2f} s)"
                raise ModelError(f"{found} and {min(within, 1e30):g} is allowed: nothing was written; try --window-s")
            if one.cosine < LEAST_COSINE and not self.shape.frames:
                found = f"{self.model.name} and its file agree by a cosine of {one.cosine:.2g} on {one.sound} ({one.seconds:.2f} s)"
                raise ModelError(
                    f"{found} and {LEAST_COSINE:g} is the least: nothing was written; try another --precision"
                )
        return compared, milliseconds(self._forward, file, shape=self.shape)

    def proof(self, exported: Exported, file: Path, *, to: str) -> dict[str, Any]:
        """All that is known of the file, as plain facts."""
        return {
            "model": self.model.name,
            "revision": self.model.revision,
            "format": to,
            "precision": exported.precision,
            "file": exported.path.name,
            "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
            "size_mb": exported.size_mb,
            "tolerance": TOLERANCE if exported.precision == "fp32" else None,
            "window": self.shape.window,
            "compared": [asdict(one) for one in exported.compared],
            "ms_pytorch": exported.ms[0],
            "ms_file": exported.ms[1],
            "noss_version": __version__,
            "platform": platform.platform(),
            "packages": _versions(),
        }

    def _heard(self, clip: str) -> Waveform:
        rate = self.model.card.sample_rate
        sound, _ = read.read(clip, sample_rate=rate)
        longest = ceil((self.model.card.window_s or _LONGEST_S) * rate)
        if len(sound) < ceil(self.model.card.min_s * rate):
            raise ModelError(
                f"{clip} is shorter than the {self.model.card.min_s:g} s of {self.model.name}: take another"
            )
        return sound[:longest]


def _check(model: Model, *, frames: bool) -> None:
    card = model.card
    if model.lookup is not None:
        raise ModelError(f"{model.name} is a table of vectors and no model: there is nothing to export")
    if card.layers != 1:
        raise ModelError(f"{model.name} has {card.layers} layers and a file gives one: choose it, {model.name}@0")
    if model.pooling.name != "mean":
        raise ModelError(
            f"{model.name} pools by {model.pooling.name} and a file by the mean: export its frames, and pool those"
        )
    if card.padding == "symmetric" and card.min_s > 0:
        raise ModelError(f"{model.name} wants short sound mirrored, which no file does for it: it cannot be exported")
    if frames and card.frame_rate == 0.0:
        raise ModelError(f"{model.name} gives one vector a clip and has no frames: leave frames out")


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
