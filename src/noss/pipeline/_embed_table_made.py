"""What `embed` gives back: a written table, and what is not in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from noss.errors import Failure


@dataclass(frozen=True, kw_only=True)
class EmbeddedTable:
    """A written table of embeddings.

    Attributes:
        out: The file.
        num_clips: Rows in it.
        layers: L of every embedding.
        dim: D of every embedding.
        failures: Clips that are not in it, with the reason.
        newly_embedded: How many embeddings were made just now; the others were in the store.
        num_frames: Rows, where they are frames or windows and not clips.
        unit: What such rows are.
    """

    out: Path
    num_clips: int
    layers: int
    dim: int
    failures: list[Failure]
    newly_embedded: int
    num_frames: int | None = None
    unit: str = "frames"

    def __str__(self) -> str:
        rows = f"{self.num_clips}" if self.num_frames is None else f"{self.num_frames} {self.unit} of {self.num_clips}"
        shape = f"{rows} x {self.dim}" if self.layers == 1 else f"{rows} x {self.layers} x {self.dim}"
        return f"{self.out}: {shape} ({self.newly_embedded} embedded now, {self.num_clips - self.newly_embedded} known)"
