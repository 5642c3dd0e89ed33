"""The tiny model with three layers, which picks the one asked for itself."""

from __future__ import annotations

import dataclasses

import tiny_layers

from noss.errors import ModelError


def card(choice: str, *, layer: str = "all"):
    if layer not in {"0", "1", "2", "all"}:
        raise ModelError(f"no layer {layer!r} here: write @0 to @2, or @all")
    return dataclasses.replace(tiny_layers.CARDS[choice], layers=3 if layer == "all" else 1)


def build(choice: str, *, layer: str = "all"):
    whole = tiny_layers.build(choice)

    def embed(waveform_BT, lengths_B):
        frames_BLSD, frame_lengths_B = whole(waveform_BT, lengths_B)
        return (frames_BLSD if layer == "all" else frames_BLSD[:, [int(layer)]]), frame_lengths_B

    return embed
