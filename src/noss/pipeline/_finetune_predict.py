"""What a fine-tuned net says about clips: the probabilities of its classes, over windows as long as its crops."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from noss.audio import chunk, read
from noss.errors import AudioError, Failure
from noss.pipeline._train_checkpoint import State
from noss.pipeline._train_files import MODEL
from noss.pipeline._train_recipe import Recipe
from noss.pipeline._train_setup import make_objective, open_student

if TYPE_CHECKING:
    from noss.datasets import Clip


CLASS = "class "  # before each name in a fold's table, so that classes called 1, 2, 3 are read as no numbers


@dataclass(frozen=True)
class Net:
    """A trained objective with its student, how it takes audio, and its classes in their order."""

    objective: nn.Module
    sample_rate: int
    policy: chunk.Policy
    classes: Sequence[str]


def open_net(recipe: Recipe, folder: Path, state: State, *, cache: Path, device: str) -> Net:
    """The net of a training run's folder with the weights of one of its checkpoints, in evaluation mode."""
    student = open_student(recipe, cache=cache)
    classes = json.loads((folder / MODEL).read_text(encoding="utf-8"))["classes"]
    dim, card = student.model.frames_card.dim, student.model.card
    objective = make_objective(recipe, student.module, dim=dim, teacher_dim=None, classes=classes)
    objective.load_state_dict(dict(state.objective))
    if state.average:
        inner: Any = objective.student
        inner.load_state_dict(dict(state.average))
    policy = chunk.Policy(window_s=recipe.longest_s, min_s=card.min_s, padding=card.padding)
    names = [name.removeprefix(CLASS) for name in classes]
    return Net(objective.to(device).eval(), card.sample_rate, policy, names)


def probabilities(net: Net, clip: Clip, *, classes: Sequence[str]) -> tuple[NDArray[np.float64], float]:
    """The probability (K,) of each of a task's classes, 0 for one the net never saw; and the clip's seconds.

    Raises:
        AudioError: The clip cannot be read.
    """
    rate = net.sample_rate
    waveform_T, _ = read.read(clip.path, sample_rate=rate, start_s=clip.start_s, end_s=clip.end_s)
    pieces, weights_P = chunk.cut(waveform_T, sample_rate=rate, policy=net.policy)
    own_PJ = np.stack([_of_piece(net.objective, piece_T) for piece_T in pieces])
    found_K = np.zeros(len(classes))
    found_K[[list(classes).index(name) for name in net.classes]] = weights_P @ own_PJ
    return found_K, len(waveform_T) / rate


def predict_clips(
    net: Net, clips: Sequence[Clip], *, classes: Sequence[str]
) -> tuple[list[NDArray[np.float64] | Failure], float]:
    """The probabilities (K,) of every clip, or why there are none; and the seconds of audio heard."""
    found: list[NDArray[np.float64] | Failure] = []
    heard_s = 0.0
    for clip in clips:
        try:
            found_K, duration_s = probabilities(net, clip, classes=classes)
        except AudioError as error:
            place = {"file": str(clip.path), "start_s": clip.start_s, "end_s": clip.end_s}
            found.append(Failure(**place, stage="read", reason=str(error)))  # type: ignore[arg-type]
            continue
        found.append(found_K)
        heard_s += duration_s
    return found, heard_s


@torch.no_grad()
def _of_piece(objective: Any, piece_T: NDArray[np.float32]) -> NDArray[np.float64]:
    """Probabilities (J,) of one piece (T,): by itself, so that no padding can matter."""
    device = next(objective.parameters()).device
    waveform_1T = torch.from_numpy(np.ascontiguousarray(piece_T))[None].to(device)
    logits_1J = objective.scores(waveform_1T, torch.tensor([len(piece_T)], device=device))
    found_J: NDArray[np.float64] = logits_1J[0].double().softmax(dim=0).cpu().numpy()
    return found_J
