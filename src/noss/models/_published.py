"""SavedModels that are known by name: their facts stand on a card before a weight is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from noss.errors import ModelError
from noss.models import Card, Embedder, Home, _savedmodel, _savedmodel_run
from noss.models._files import existing, find_weights, megabytes
from noss.models._savedmodel import FILE, Converted

FILES = (FILE, "variables/variables.index")
HUB = "https://tfhub.dev/google/{handle}?tf-hub-format=compressed"


@dataclass(frozen=True, kw_only=True)
class Published:
    """One choice of a family: the output that is the embedding, what is known of it, and where its weights are got."""

    key: str
    card: Card
    home: Home


def home(handle: str, *, page: str, folder: str, checksum: str = "") -> Home:
    """The home of a model of TensorFlow Hub, whose addresses lead to Kaggle since 2023."""
    return Home(url=HUB.format(handle=handle), page=page, folder=folder, files=FILES, checksum=checksum)


def card(choice: str, *, models: Mapping[str, Published], family: str) -> Card:
    """The card of a choice, or of `PATH` or `PATH:KEY`, once its weights are found and converted.

    Raises:
        ModelError: They are not here, not whole, or not those of this model.
    """
    published, folder, facts = _find(choice, models=models, family=family)
    known = published.card
    notes = " ".join(text for text in (known.notes, _savedmodel_run.runs_in(facts)) if text)
    files = _savedmodel.files(folder)
    return replace(known, weights=";".join(map(str, files)), size_mb=megabytes(*files), notes=notes)


def build(choice: str, *, models: Mapping[str, Published], family: str, threads: int) -> Embedder:
    """The embedder of a choice."""
    _, _, facts = _find(choice, models=models, family=family)
    return _savedmodel_run.embedder(facts, threads=threads, runtime=None)


def _find(choice: str, *, models: Mapping[str, Published], family: str) -> tuple[Published, Path, Converted]:
    published, folder = _place(choice, models=models, family=family)
    _savedmodel.check_whole(folder)
    facts = _savedmodel.converted(folder, key=published.key)
    if facts.dim != published.card.dim:
        raise ModelError(
            f"{folder} gives vectors of {facts.dim} and {family} has {published.card.dim}: it is another model; "
            f"run it as savedmodel/{folder}:{published.key}"
        )
    return published, folder, facts


def _place(choice: str, *, models: Mapping[str, Published], family: str) -> tuple[Published, Path]:
    """A choice is a name, or the path of a folder, behind which `:NAME` says which choice its weights are of."""
    if choice in models:
        found = models[choice]
        first, *_ = find_weights(found.home.folder, FILE)
        return found, first.parent
    path, _, name = choice.rpartition(":") if ":" in choice else (choice, "", "")
    known = models.get(name, next(iter(models.values())) if not name and len(_keys(models)) == 1 else None)
    if known is None or not path or not (path.startswith((".", "/", "~")) or Path(path).is_dir()):
        names = ", ".join(f"{family}/{key}" if key else family for key in models)
        raise ModelError(
            f"no model '{f'{family}/{choice}' if choice else family}': there are {names}, and {family}/./DIR, or {family}/./DIR:NAME, for weights of yours"
        )
    return known, existing(path, needed_by=f"{family}/{choice}")


def _keys(models: Mapping[str, Published]) -> set[tuple[str, int]]:
    return {(model.key, model.card.dim) for model in models.values()}
