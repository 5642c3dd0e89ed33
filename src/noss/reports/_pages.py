"""What the page of one task shows of each model: plain rows, made by `noss.pipeline.report` and read by the styles."""

from __future__ import annotations

from typing import TypedDict


class Bin(TypedDict):
    """One bar of a reliability diagram: clips of like confidence, and how many of them were right."""

    confidence: float
    accuracy: float
    num_clips: int


class Recall(TypedDict):
    """The share of a class's clips that was recognised."""

    label: str
    recall: float
    num_clips: int


class Speaker(TypedDict):
    """The main metric on the clips of one speaker."""

    speaker: str
    value: float
    num_clips: int


class Mistake(TypedDict):
    """A clip the model was sure about and wrong; `audio` is a key of `Details.audio`, None where there is none."""

    file: str
    start_s: float
    end_s: float | None
    speaker: str | None
    truth: str | float
    predicted: str | float
    confidence: float
    audio: str | None


class Tried(TypedDict):
    """One setting of a protocol that tries a grid of them: its metric on dev and on test, the mean over folds."""

    classifier: str
    l2: bool
    speaker_normalisation: str
    dev: float | None
    test: float | None


class ModelPage(TypedDict):
    """What a task's page shows of one model.

    `confusion` counts clips, truth by prediction (K, K), and is None for numbers and for very many classes; then
    `pairs` lists the most frequent confusions. `bins` and `ece` are None where scores are no probabilities. `points`
    are truth and prediction for numbers. `grid` holds every setting that was tried, for protocols that say so.
    """

    predictions: str
    recall: list[Recall]
    confusion: list[list[int]] | None
    pairs: list[tuple[str, str, int]]
    speakers: list[Speaker]
    bins: list[Bin] | None
    ece: float | None
    points: list[tuple[float, float]]
    mistakes: list[Mistake]
    grid: list[Tried]


class Map(TypedDict):
    """Embeddings of one dataset in two dimensions: clips, their groupings, and a place a clip for each model.

    `colours` holds, by name (`speaker` or a target), the group of each clip; `places` holds, by model, the x and y of
    each clip as whole numbers from 0 to 999.
    """

    dataset: str
    files: list[str]
    colours: dict[str, list[str]]
    places: dict[str, list[tuple[int, int]]]
