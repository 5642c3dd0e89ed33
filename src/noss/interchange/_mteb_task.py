"""A task of the shelf as MTEB's: its clips, labels and splits, and the scores of a protocol of noss."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mteb._create_dataloaders import create_dataloader
from mteb.abstasks.classification import AbsTaskClassification
from mteb.abstasks.task_metadata import TaskMetadata
from numpy.typing import NDArray

from datasets import ClassLabel, Dataset, DatasetDict, Features, Value
from noss.audio.read import info, read
from noss.datasets import Clip
from noss.errors import Failure, ModelError
from noss.identity import clip_ids
from noss.interchange._mteb_model import licence
from noss.models import Card
from noss.pipeline._clips import Task
from noss.pipeline._embed_done import Embedded
from noss.pipeline._embed_machine import device_name
from noss.pipeline._models import Model
from noss.pipeline._predictions_data import Data, data_of
from noss.pipeline._protocol import DEFAULT, probe_for, run_protocol
from noss.pipeline.score import score_predictions
from noss.reports import Score
from noss.reports._mteb import LANGUAGES, RECORDS, subset_scores
from noss.reports._names import way_name
from noss.store import Store


@dataclass(frozen=True, kw_only=True)
class Way:
    """How a task is scored, and where hashes of files are remembered; as the options of `noss run`."""

    cache: Path
    probe: str | None = None
    protocol: str = DEFAULT
    metrics: tuple[str, ...] = ()
    seed: int = 0
    draws: int = 2000


class SpeechTask(AbsTaskClassification):  # type: ignore[misc]  # MTEB is not followed
    """A task in MTEB; made by `noss.interchange.mteb.mteb_tasks`.

    MTEB's model embeds every clip once; a protocol of noss does the rest, and its number is the main score. The names of
    MTEB's metrics stand beside those of noss where they are one.

    Args:
        task: The task.
        way: How it is scored.
    """

    input_column_name = "audio"
    label_column_name = "label"
    train_split = "test"  # all clips stand in one split: which of them train is the protocol's matter

    def __init__(self, task: Task, way: Way) -> None:
        found = clip_ids(task.clips, cache=way.cache)
        self._way = way
        self._failures = [one for one in found if isinstance(one, Failure)]
        self._ids = [None if isinstance(one, Failure) else one for one in found]
        self._data = data_of(task, self._ids, failures=self._failures)
        self._metadata = _metadata(self._data, way)
        super().__init__(seed=way.seed)

    @property
    def metadata(self) -> TaskMetadata:
        """MTEB's facts about the task."""
        return self._metadata

    def load_data(self, **options: Any) -> None:
        """Lay out the clips for MTEB; a waveform is decoded when it is asked for."""
        del options
        classes = self._data.task.classes
        label = Value("float64") if classes is None else ClassLabel(names=list(classes))
        rows = {"audio": list(range(len(self._data.clips))), "label": self._data.y_N.tolist()}
        table = Dataset.from_dict(rows, features=Features({"audio": Value("int64"), "label": label}))
        self.dataset = DatasetDict({"test": table.with_transform(_Decode(self._data.clips))})
        self.data_loaded = True

    def _evaluate_subset(
        self,
        model: Any,
        data_split: DatasetDict,
        *,
        encode_kwargs: Any,
        hf_split: str,
        hf_subset: str,
        prediction_folder: Path | None = None,
        num_proc: int | None = None,
        timer: Any,
        **options: Any,
    ) -> dict[str, Any]:
        """The scores of MTEB's model; predictions are kept as those of a run where MTEB wants them."""
        del options
        where, facts = {"split": hf_split, "subset": hf_subset}, {"task_metadata": self.metadata}
        table = data_split[hf_split]
        loader = create_dataloader(table, input_column="audio", num_proc=num_proc, **facts, **encode_kwargs)
        start_s = time.monotonic()
        with timer("Encoding samples", **where):
            vectors_ND = model.encode(loader, hf_split=hf_split, hf_subset=hf_subset, **facts, **encode_kwargs)
        seconds = time.monotonic() - start_s
        with timer("Scoring", **where), tempfile.TemporaryDirectory() as scratch:
            out = prediction_folder / self.metadata.name if prediction_folder else Path(scratch)
            return self._scores(model, _array(vectors_ND), out=out, scratch=Path(scratch), seconds=seconds)

    def _scores(
        self, model: Any, vectors_ND: NDArray[np.float32], *, out: Path, scratch: Path, seconds: float
    ) -> dict[str, Any]:
        known = getattr(model, "noss_model", None) or _model(model.mteb_model_meta, dim=vectors_ND.shape[1])
        if len(vectors_ND) != len(self._data.ids) or not np.isfinite(vectors_ND).all():
            found = f"{known.name} gave {len(vectors_ND)} vectors for {len(self._data.ids)} clips"
            raise ModelError(f"{found}, and a finite one for each is needed: mend the model")
        store = Store.open(scratch, known.facts)
        first_N = store.missing_places(self._data.ids)
        store.append(
            [self._data.ids[place] for place in first_N],
            vectors_ND[first_N, None],
            durations_s=[_duration_s(self._data.clips[place]) for place in first_N],
            seconds=seconds,
            device=device_name("cpu"),
        )
        embedded = Embedded(store=store, ids=self._ids, failures=self._failures)
        way = self._way
        paths = run_protocol(
            self._data.task, embedded, model=known, out=out, protocol=way.protocol, probe=way.probe, seed=way.seed
        )
        rounds = [self._records(path) for path in paths]
        return {**subset_scores(rounds[0]), RECORDS: [asdict(score) for records in rounds for score in records]}

    def _records(self, path: Path) -> list[Score]:
        return score_predictions(path, metrics=self._way.metrics or None, draws=self._way.draws, seed=self._way.seed)


@dataclass(frozen=True)
class _Decode:
    """What MTEB reads of a row: for its number, the waveform of that clip at its own rate."""

    clips: Sequence[Clip]

    def __call__(self, rows: dict[str, list[Any]]) -> dict[str, list[Any]]:
        return {**rows, **({"audio": [self._item(row) for row in rows["audio"]]} if "audio" in rows else {})}

    def _item(self, row: int) -> dict[str, Any]:
        clip = self.clips[row]
        waveform_T, sample_rate = read(clip.path, start_s=clip.start_s, end_s=clip.end_s)
        return {"array": waveform_T, "sampling_rate": sample_rate}


def _metadata(data: Data, way: Way) -> TaskMetadata:
    task, card = data.task, data.task.card
    probe = probe_for(task, way.protocol, way.probe)
    return TaskMetadata(
        name=way_name(task.name, probe, way.protocol, seed=way.seed),
        description=f"{card.title}: {task.target}, scored by the protocol {way.protocol} of noss with the probe {probe}.",
        type="Regression" if task.classes is None else "AudioClassification",
        category="a2c",
        modalities=["audio"],
        dataset={"path": task.name, "revision": data.revision},
        reference=card.source if card.source.startswith("https://") else None,
        eval_splits=["test"],
        eval_langs=LANGUAGES,
        main_score=task.metric,
        license=licence(card.licence),
        is_public=card.access == "open",
    )


def _model(meta: Any, *, dim: int) -> Model:
    """A model of MTEB's own, as records know it; nothing of its card is read but what they hold."""
    card = Card(
        sample_rate=16_000,
        frame_rate=0.0,
        dim=dim,
        source="MTEB",
        licence=str(meta.license or "unknown"),
        weights=None,
        num_parameters=meta.n_parameters,
        size_mb=meta.memory_usage_mb,
    )
    name, revision = f"mteb/{meta.name}", str(meta.revision)
    facts = {"model": name, "layers": 1, "dim": dim, "revision": revision}
    return Model(name=name, part="mteb", choice=str(meta.name), options={}, card=card, facts=facts, revision=revision)


def _array(vectors: Any) -> NDArray[np.float32]:
    """Embeddings (N, D) from an array, or a tensor on any device and of any precision."""
    numbers = vectors.detach().cpu().float().numpy() if hasattr(vectors, "detach") else vectors
    return np.asarray(numbers, dtype=np.float32)


def _duration_s(clip: Clip) -> float:
    return (info(clip.path).duration_s if clip.end_s is None else clip.end_s) - clip.start_s
