"""MTEB's registry of models, and its way of asking one for embeddings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from noss.errors import ModelError
from noss.models import _own_code
from noss.shelf import require


def entry(choice: str, *, trusted: bool) -> Any:
    """What MTEB's registry says of a model.

    Raises:
        ModelError: There is no such audio model, or it runs code of a repository and is not trusted.
    """
    name = f"mteb/{choice}"
    mteb = require("mteb", extra="mteb", needed_by=name)
    try:
        found = mteb.get_model_meta(choice)
    except (KeyError, ValueError) as error:
        text = str(error).strip("'\"").split(". ")[0]
        raise ModelError(f"MTEB has no model {choice!r} ({text}): mteb available-models lists them") from error
    if "audio" not in (found.modalities or ()):
        raise ModelError(
            f"{name} takes {', '.join(found.modalities or ())} and no audio: choose an audio model of MTEB"
        )
    if found.loader_kwargs.get("trust_remote_code") and not trusted:
        raise ModelError(f"{name} asks to run code of its repository: read it, then pass --trust-remote-code {name}")
    return found


def loaded(found: Any, choice: str) -> Any:
    """The model of an entry, on the processor.

    Raises:
        ModelError: A package or the weights are missing.
    """
    name = f"mteb/{choice}"
    try:
        return found.load_model(device="cpu")
    except ModuleNotFoundError as error:
        raise _own_code.lacking(error, needed_by=name) from error
    except (ImportError, OSError, RuntimeError, ValueError, TypeError) as error:
        text = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelError(f"MTEB cannot load {choice} ({text}): check its packages and its weights") from error


class RateError(ModelError):
    """A model wants its audio at another rate than it was offered."""

    def __init__(self, wanted: int) -> None:
        super().__init__(f"this model of MTEB wants audio at {wanted} Hz")
        self.wanted = wanted


def sample_rate(model: Any, *, guess: int = 16_000) -> int:
    """Hz that a model takes: it says so when it is handed its first clip."""
    try:
        caller(model, sample_rate=guess)(0.01 * torch.randn(1, guess, generator=torch.Generator().manual_seed(0)))
    except RateError as error:
        return error.wanted
    return guess


def caller(model: Any, *, sample_rate: int) -> Callable[[Tensor], Any]:
    """A model as a function of waveforms (B, T) of one length, to vectors (B, D)."""
    task = _task()
    told = {"task_metadata": task, "hf_split": "test", "hf_subset": "default", "show_progress_bar": False}

    def call(waveform_BT: Tensor) -> Any:
        rows = [{"audio": {"array": row_T, "sampling_rate": sample_rate}} for row_T in waveform_BT.cpu().numpy()]
        try:
            return torch.as_tensor(model.encode(_Clips(rows), batch_size=1, **told))
        except ModuleNotFoundError as error:
            raise _own_code.lacking(error, needed_by="this model of MTEB") from error

    return call


class _Clips(torch.utils.data.DataLoader[dict[str, Any]]):
    """MTEB's loader over clips that are at the model's rate already."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        super().__init__(_Rows(rows), batch_size=1, collate_fn=_collated)

    def __setattr__(self, name: str, value: Any) -> None:
        """Models put a collator of MTEB here, which imports torchaudio though nothing is resampled: ours does as it says."""
        wanted = getattr(value, "target_sampling_rate", None)
        super().__setattr__(name, _Collator(value, int(wanted)) if name == "collate_fn" and wanted else value)


class _Collator:
    def __init__(self, theirs: Any, wanted: int) -> None:
        self.target_sampling_rate = wanted
        self._longest, self._shortest = (getattr(theirs, name, None) for name in ("max_samples", "min_samples"))

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
        return _collated([{**row, "audio": self._fitted(row["audio"])} for row in rows])

    def _fitted(self, audio: dict[str, Any]) -> dict[str, Any]:
        if audio["sampling_rate"] != self.target_sampling_rate:
            raise RateError(self.target_sampling_rate)
        array_T = audio["array"][: self._longest]
        return {**audio, "array": np.pad(array_T, (0, max(0, (self._shortest or 0) - len(array_T))))}


class _Rows(torch.utils.data.Dataset[dict[str, Any]]):
    """Rows with the names of their columns, which MTEB's models ask for."""

    features = ("audio",)

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, place: int) -> dict[str, Any]:
        return dict(self._rows[place])

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (dict(row) for row in self._rows)


def _collated(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    return {key: [row[key] for row in rows] for key in rows[0]}


def _task() -> Any:
    """What MTEB tells its models of a task: a plain audio classification."""
    import mteb

    return mteb.get_tasks(modalities=["audio"])[0].metadata
