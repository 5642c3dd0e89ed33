"""SHELF: ways to show scores. One file a style; this page is the contract.

A report file defines `SUFFIX` (`.html`, `.md`, ...), `PAGES` (whether it shows the pages of single tasks) and::

    def write(scores: list[Score], path: Path, *, details: Details | None = None) -> None

A style that writes several files sets `FOLDER = True`: `path` is then an empty folder, whose files are moved below the
folder that the user names, beside what stands there.

A style that can show a whole results store defines `write_site(site, folder)`, which fills an empty folder with what a
`noss.reports._site_facts.Site` holds.

A style that can show a run of training defines `write_training(training, path, *, cache=None)`, which shows what a
`noss.reports._training.Training` holds.

A style that has a page on which single clips are explored defines `write_explorer(atlases, path, *, run, ...)`, as `html` does.

A report shows what the records say and never computes a score. `details` carries what only a single run can show: ties,
failures, settings and, where `PAGES` asks for them, confusions, mistakes with audio and maps. Without it a report shows
the bare records. Everything in a record is text from outside: labels, file names and model names may hold markup or
formulas, and each style makes them harmless in its own format.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from noss.reports._pages import Bin, Map, Mistake, ModelPage, Recall, Speaker, Tried
from noss.reports._similarity import Similarity

__all__ = [
    "Bin",
    "Details",
    "Gap",
    "Map",
    "Mistake",
    "ModelPage",
    "Recall",
    "Reference",
    "Score",
    "Similarity",
    "Speaker",
    "Tried",
    "Unit",
]


@dataclass(frozen=True, kw_only=True)
class Score:
    """One number, and how it came about: a line of `scores.jsonl`.

    Attributes:
        model: Name of the embedding, as given.
        model_revision: Signature of card, weights, options and code version: equal revisions, equal vectors.
        dataset: Name of the dataset, as given, without the target.
        dataset_revision: Hash over the identities, labels, speakers and splits of its clips.
        target: What is predicted.
        protocol: Name of the protocol: `clean`, `paper`, ... Numbers of two protocols are never ranked together.
        splits: How clips were split and settings chosen, in words.
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
        variant: Which of a protocol's numbers; empty for the one it is about.
        aside: True for a number shown in a column of its own and never ranked, such as one chosen on test.
        draw_sd: How far the value varies from one draw of training clips to another, as a standard deviation; the value is
            the mean over many. None where nothing is drawn.
        layers: Beside the main metric of a model with several layers, a row a `layer`: its `weight` in a learned mix; or its
            value on validation (`dev`) and on test (`value`, `low`, `high`), with its own best setting, and the `folds` that
            chose it. The score is that of the layers that validation chose.
        condition: How the model's audio was altered or cut, `pink noise 10 dB` or `window 0.5 s`; empty for audio as it is.
        shift: What the condition did, for a main metric: the paired `change` from audio as it is, in units of the metric,
            its 95 % interval (`low`, `high`), and the mean `cosine` distance by which embeddings moved.
    """

    model: str
    model_revision: str
    dataset: str
    dataset_revision: str
    target: str
    protocol: str
    splits: str
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
    variant: str = ""
    aside: bool = False
    draw_sd: float | None = None
    layers: list[dict[str, Any]] = field(default_factory=list)
    condition: str = ""
    shift: dict[str, float] = field(default_factory=dict)

    @property
    def task(self) -> str:
        """The task's name: dataset and target."""
        return f"{self.dataset}/{self.target}"

    @property
    def contest(self) -> str:
        """What is ranked together: the task, with protocol, variant and condition where they are not `clean` and none."""
        protocol = self.protocol if self.protocol != "clean" else ""
        words = [word for word in (protocol, self.variant, self.condition) if word]
        return f"{self.task} ({', '.join(words)})" if words else self.task


@dataclass(frozen=True, kw_only=True)
class Unit:
    """How a metric is shown: its full name, and whether its values are shown times 100."""

    title: str
    percent: bool


@dataclass(frozen=True, kw_only=True)
class Gap:
    """How far a model is behind the best of its task, with the 95 % interval of the paired difference.

    In units of the metric and turned so that positive is worse, whichever end of the metric is good. `p` is that of the
    paired test, corrected for all pairs of the task: an interval of one pair may leave zero out where it does not.
    """

    behind: float
    low: float
    high: float
    p: float

    @property
    def tied(self) -> bool:
        """Whether the two models cannot be told apart."""
        return self.p >= 0.05


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A figure that others published, measured as a contest of ours is: shown beside its scores, and never ranked.

    Attributes:
        contest: The contest it stands beside.
        model: The model as its source names it.
        value: In the unit of the contest's metric.
        source: Where it is printed, in words.
        address: The page it was seen on.
        second_hand: Whether that page only quotes it.
    """

    contest: str
    model: str
    value: float
    source: str
    address: str
    second_hand: bool


@dataclass(frozen=True, kw_only=True)
class Details:
    """What one run shows beside its scores; made by `noss.pipeline.report`.

    Attributes:
        run: Name of the run.
        settings: Everything needed to repeat it: `run.json`.
        failures: Rows of `failures.csv`.
        units: How each metric is shown, by its name.
        gaps: Distance to the best of the task, by file name of the predictions; ranked models only.
        classes: Class names in order, by task; none for numbers.
        pages: What each task's page shows of each model, by task.
        maps: One embedding map a dataset.
        audio: Short clips as data URIs.
        references: What others published for the same contests.
        layers: Records of every layer of models, from an analysis of its own.
        similarities: How alike the layers of models are, a comparison a dataset.
        studies: Records of models under conditions, by study: `robustness`, `context`.
        notes: What could not be shown, and why.
        complete: Whether nothing is missing; False where the same report may show more the next time.
        cache: Folder where a style may keep what is slow to make; None keeps nothing.
        explorer: File name of the embedding explorer beside the report; empty where there is none.
        explored: Whether it shows these very scores.
    """

    run: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    failures: list[Mapping[str, str]] = field(default_factory=list)
    units: Mapping[str, Unit] = field(default_factory=dict)
    gaps: Mapping[str, Gap] = field(default_factory=dict)
    classes: Mapping[str, list[str]] = field(default_factory=dict)
    pages: Mapping[str, list[ModelPage]] = field(default_factory=dict)
    maps: list[Map] = field(default_factory=list)
    audio: Mapping[str, str] = field(default_factory=dict)
    references: list[Reference] = field(default_factory=list)
    layers: list[Score] = field(default_factory=list)
    similarities: list[Similarity] = field(default_factory=list)
    studies: Mapping[str, list[Score]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    complete: bool = True
    cache: Path | None = None
    explorer: str = ""
    explored: bool = True
