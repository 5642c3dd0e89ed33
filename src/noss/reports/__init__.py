"""SHELF: ways to show scores. One file a style; this page is the contract.

A report file defines `SUFFIX` (`.html`, `.md`, ...) and::

    def write(scores: list[Score], path: Path, *, details: Details | None = None) -> None

A report shows what the records say and never computes a score. `details` carries what only the pages of a single run
can show (confusions, mistakes with audio, maps); a style that shows none of it ignores it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, kw_only=True)
class Score:
    """One number, and how it came about: a line of `scores.jsonl`.

    Attributes:
        model: Name of the embedding, as given.
        model_revision: Signature of card, weights, options and code version: equal revisions, equal vectors.
        dataset: Name of the dataset, as given, without the target.
        dataset_revision: Hash over the identities, labels, speakers and splits of its clips.
        target: What is predicted.
        protocol: How clips were split and settings chosen.
        probe: Name of the probe.
        probe_options: The settings chosen on validation, one entry a fold.
        metric: Name of the metric.
        main: Whether it is the task's main metric.
        higher_is_better: Which end of the metric is good.
        value: The score on test clips.
        low: Lower end of the 95 % interval.
        high: Upper end.
        interval: How the interval was made, in words.
        num_train: Clips fitted on (mean over folds).
        num_test: Clips scored.
        num_failed: Clips that could not be read or embedded.
        num_speakers: Speakers among the scored clips; None where unknown.
        speakers: `disjoint`, `shared` or `unknown`: anything but `disjoint` is shown with a loud line.
        num_classes: Classes; None for numbers.
        chance: The metric of a constant guess; None where it has none.
        ranked: False for a control.
        seed: The seed of splits, probe and draws.
        signature: Hash over everything that determines the value.
        noss_version: The version that made it.
        date: UTC, ISO 8601.
        embed_s: Seconds of wall time it took to embed the clips.
        audio_s: Seconds of audio embedded in that time.
        device: The machine and its processor or accelerator.
        size_mb: Size of the model's weights, 10^6 bytes; None where it has none or none is known.
        num_parameters: Parameters of the model; None where unknown.
        dim: Embedding size.
        predictions: File name of the predictions, below the run's folder.
        warnings: Loud lines to show beside the score.
    """

    model: str
    model_revision: str
    dataset: str
    dataset_revision: str
    target: str
    protocol: str
    probe: str
    probe_options: list[dict[str, Any]]
    metric: str
    main: bool
    higher_is_better: bool
    value: float
    low: float
    high: float
    interval: str
    num_train: int
    num_test: int
    num_failed: int
    num_speakers: int | None
    speakers: Literal["disjoint", "shared", "unknown"]
    num_classes: int | None
    chance: float | None
    ranked: bool
    seed: int
    signature: str
    noss_version: str
    date: str
    embed_s: float
    audio_s: float
    device: str
    size_mb: float | None
    num_parameters: int | None
    dim: int
    predictions: str
    warnings: list[str] = field(default_factory=list)

    @property
    def task(self) -> str:
        """The task's name: dataset and target."""
        return f"{self.dataset}/{self.target}"


@dataclass(frozen=True, kw_only=True)
class Details:
    """What the pages of one run show beside its scores; made by `noss.pipeline.report`."""

    settings: Mapping[str, Any]
    failures: list[Mapping[str, Any]]
    tied: Mapping[str, frozenset[str]]
    tasks: Mapping[str, Mapping[str, Any]]
