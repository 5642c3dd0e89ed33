"""A results store as a site shows it; made by `noss.pipeline.report`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from noss.reports import Details, Score
from noss.reports._training import Training


@dataclass(frozen=True, kw_only=True)
class Suite:
    """The records of one suite, and what goes with them.

    Attributes:
        name: Its folder's name.
        scores: Its records, of all models.
        details: Units and references; ties are unknown, since records carry no predictions.
        recipe: The recipe of the same name, where there is one: what to run, in a line.
    """

    name: str
    scores: list[Score]
    details: Details
    recipe: str = ""


@dataclass(frozen=True, kw_only=True)
class Site:
    """Everything that a site shows.

    Attributes:
        suites: In the order to show them.
        models: Facts of each model's card, by name; none for a model that is not on the shelf.
        tasks: Facts of each task's dataset, by name; none for a dataset that is not on the shelf.
        families: The kind of thing each task is about, where its dataset declares it.
        pages: File name of the page of each model and task, without its suffix; unlike for unlike names.
        records: Text of every file of records, by its place below the store.
        analyses: What `noss analyse` found of models, for a page of its own; None where nothing was analysed.
        trainings: Runs of training, by the file name of their page without its suffix.
        made: The run that made a model, or of which it is the start, by the model's name; none for other models.
    """

    suites: list[Suite]
    models: Mapping[str, Mapping[str, str]]
    tasks: Mapping[str, Mapping[str, str]]
    families: Mapping[str, str]
    pages: Mapping[str, str]
    records: Mapping[str, str]
    analyses: Details | None = None
    trainings: Mapping[str, Training] = field(default_factory=dict)
    made: Mapping[str, str] = field(default_factory=dict)
