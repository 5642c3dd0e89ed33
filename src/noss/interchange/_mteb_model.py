"""A model of the shelf as MTEB's encoder: waveforms in, vectors out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, get_args

import numpy as np
from mteb.models import ModelMeta
from mteb.models.abs_encoder import AbsEncoder
from mteb.types import Licenses
from numpy.typing import NDArray

from noss.errors import ModelError
from noss.models import Card
from noss.pipeline._loaded import LoadedModel
from noss.pipeline._models import Model
from noss.reports._mteb import model_name

_BIG = 10_000_000  # parameters


class SpeechModel(AbsEncoder):  # type: ignore[misc]  # MTEB is not followed
    """A model in MTEB; made by `noss.interchange.mteb.mteb_model`.

    It takes MTEB's items of audio, an array and its rate each, and does everything else as `noss embed` does: mix down,
    resample, cut what is long and weigh the pieces by length.

    Args:
        model: The model, not yet built.
    """

    def __init__(self, model: Model) -> None:
        if model.card.layers > 1:
            raise ModelError(
                f"{model.name} gives {model.card.layers} layers and MTEB takes one vector a clip: name a layer, as NAME@6"
            )
        self.noss_model = model
        self.mteb_model_meta = _meta(model)

    @cached_property
    def model(self) -> LoadedModel:
        """The model with its weights, built on first use."""
        return LoadedModel(self.noss_model)

    def encode(self, inputs: Any, **facts: Any) -> NDArray[np.float32]:
        """Embeddings (N, D) of batches `{"audio": [{"array": (T,) or (C, T), "sampling_rate": Hz}, ...]}`, in their order.

        Args:
            inputs: MTEB's loader of batches.
            facts: What MTEB says of task, split and batch size; the vector of a clip depends on none of it.

        Raises:
            ModelError: A batch holds no audio.
        """
        del facts
        with _few_threads(self.noss_model.card):
            found = [self._batch(batch) for batch in inputs]
        return np.concatenate([np.empty((0, self.noss_model.card.dim), np.float32), *found])

    def _batch(self, batch: Any) -> NDArray[np.float32]:
        if "audio" not in batch:
            raise ModelError(
                f"{self.noss_model.name} takes audio and this task holds {', '.join(batch)}: choose a task of audio"
            )
        vectors_BD = np.empty((len(batch["audio"]), self.noss_model.card.dim), np.float32)
        rates_B = np.array([int(item["sampling_rate"]) for item in batch["audio"]])
        for rate in np.unique(rates_B):
            rows = np.flatnonzero(rates_B == rate)
            vectors_BD[rows] = self.model.embed([_mono(batch["audio"][row]) for row in rows], sample_rate=int(rate))
        return vectors_BD


@contextmanager
def _few_threads(card: Card) -> Iterator[None]:
    """One thread for a small model: torch's threads wait by spinning, which costs more than such a model's own work."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(before if (card.num_parameters or 0) > _BIG else 1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _mono(item: Any) -> NDArray[np.float32]:
    """A waveform (T,): channels (C, T) are averaged."""
    waveform = np.asarray(item["array"], dtype=np.float32)
    return waveform if waveform.ndim == 1 else np.asarray(waveform.mean(axis=0))


def _meta(model: Model) -> ModelMeta:
    card = model.card
    return ModelMeta(
        loader=None,
        name=model_name(model.name),
        revision=model.revision,
        release_date=None,
        languages=None,
        n_parameters=card.num_parameters,
        memory_usage_mb=card.size_mb,
        max_tokens=None,
        embed_dim=card.dim,
        license=licence(card.licence),
        open_weights=None,
        public_training_code=None,
        public_training_data=None,
        framework=["PyTorch"],
        reference=card.source if card.source.startswith("https://") else None,
        similarity_fn_name="cosine",
        use_instructions=False,
        training_datasets=None,  # MTEB wants its own names of corpora, and takes a set for complete
        modalities=["audio"],
    )


def licence(name: str) -> str | None:
    """A licence as MTEB writes it; None for one that it does not list."""
    return name.lower() if name.lower() in get_args(Licenses) else None
