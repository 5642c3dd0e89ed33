"""noss inside HEAR: any model behind the API of the HEAR 2021 benchmark.

    hear-validator noss.interchange.hear -m yamnet
    python -m heareval.embeddings.runner noss.interchange.hear --model-options '{"name": "yamnet"}'

The model is named where HEAR names weights, or by the option `name` (HEAR's kit takes only paths that exist for weights, and
names its output after the options), or by the environment variable `NOSS_HEAR_MODEL`.

Scene embeddings are those of `noss embed`. Timestamp embeddings are evenly spaced, as the API asks: a model's own frames
where there are 20 a second or more (each point in time takes the frame it falls into), and otherwise a window of a second
around every 50 ms, zeros beyond both ends.

Source: Turian et al., HEAR: Holistic Evaluation of Audio Representations (2022), and https://hearbenchmark.com/hear-api.html
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from noss.errors import ModelError
from noss.pipeline._models import open_model

if TYPE_CHECKING:
    from torch import Tensor

    from noss.interchange._hear_model import HearModel

VARIABLE = "NOSS_HEAR_MODEL"


def load_model(model_file_path: str = "", *, name: str = "", **options: Any) -> HearModel:
    """A model as a PyTorch module with the attributes that HEAR asks for.

    Args:
        model_file_path: A name on the shelf (`yamnet`, `transformers/DIR@6`) or the path of a Python file.
        name: The same, where the caller cannot give it as a path; it wins.
        options: Options of the model's `build`.

    Raises:
        ModelError: No model is named, it has several layers, or its sample rate is none of HEAR's.
        NossError: No such model, or one that cannot be built here.
    """
    from noss.interchange._hear_model import HearModel

    wanted = name or model_file_path or os.environ.get(VARIABLE, "")
    if not wanted:
        raise ModelError(
            f"no model is named: give one as the weights or the option name (logmel_stats, ./mine.py), or set {VARIABLE}"
        )
    return HearModel(open_model(wanted, **options))


def get_scene_embeddings(audio: Tensor, model: HearModel) -> Tensor:
    """One vector a sound (B, D), float32.

    Args:
        audio: Sounds (B, T) of one length, full scale 1, at the model's sample rate.
        model: What `load_model` gave.

    Raises:
        AudioError: The sounds are of another shape, or empty.
    """
    return model.scenes(audio)


def get_timestamp_embeddings(audio: Tensor, model: HearModel) -> tuple[Tensor, Tensor]:
    """Vectors (B, S, D) in even steps, float32, and the middle of each step in milliseconds (B, S).

    Args:
        audio: Sounds (B, T) of one length, full scale 1, at the model's sample rate.
        model: What `load_model` gave.

    Raises:
        AudioError: The sounds are of another shape, or empty.
    """
    return model.moments(audio)
