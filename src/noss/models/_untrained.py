"""The card of a native architecture: random weights until it is trained, so it takes no part in rankings."""

from __future__ import annotations

from noss.models import Card

MADE = "Random initialisation: an architecture to train, or to load a checkpoint into."


def untrained(
    *, dim: int, num_parameters: int | None, source: str, frame_rate: float = 0.0, citation: str = "", notes: str = ""
) -> Card:
    """The card of a net at 16 kHz that pads short clips itself and takes any length.

    Args:
        dim: Embedding size.
        num_parameters: Trainable parameters, as built.
        source: Paper of the architecture.
        frame_rate: Frames a second; 0.0 for one vector a clip.
        citation: Short reference.
        notes: What else a user should know.
    """
    return Card(
        sample_rate=16_000,
        frame_rate=frame_rate,
        dim=dim,
        source=source,
        licence="Apache-2.0",
        weights=None,
        num_parameters=num_parameters,
        size_mb=None if num_parameters is None else round(4e-6 * num_parameters, 1),
        citation=citation,
        ranked=False,
        devices=("cpu", "cuda"),
        notes=f"{MADE} {notes}".strip(),
    )
