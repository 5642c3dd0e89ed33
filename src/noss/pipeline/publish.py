"""Put the scores of a run, or how a model was trained, into a results folder, one file a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from noss.errors import DataError
from noss.pipeline._analyse_request import FOLDER
from noss.pipeline._results import PUBLISHED, check_score, read_result, result_path
from noss.pipeline._results_analyses import KINDS, shared_similarities
from noss.pipeline._results_training import TRAINING
from noss.pipeline._similarity_file import NAME as SIMILARITY
from noss.pipeline._similarity_file import read_similarities, write_similarities
from noss.pipeline.score import read_scores, write_scores
from noss.reports import Score
from noss.reports._similarity import Similarity
from noss.runs import write_text


@dataclass(frozen=True)
class Published:
    """The files of a results folder that hold a run's scores, and how many of them had to be written."""

    paths: list[Path]
    num_written: int

    def __str__(self) -> str:
        state = f"{self.num_written} written, {len(self.paths) - self.num_written} the same as before"
        return "\n".join([*map(str, self.paths), state])


def publish(run: Path | str, suite: Path | str, *, model: Sequence[str] = (), licence: Sequence[str] = ()) -> Published:
    """Put the scores of a run into the folder of a suite: `results/open_here`, say.

    A model has one file there. Rows of the same task, protocol and probe are replaced, others stay; a file that would be
    the same is left alone. A run with failures can be published: its records say how many clips were lost.

    Into a folder of the name `analyses` goes what `noss analyse` wrote below the run's: `results/analyses/robustness`, say.

    Into a folder of the name `training` goes a finished run of `noss train`, as a file that holds all that its page shows:
    recipe, curves, looks, cost and licences, without paths of this machine and without names of recordings.

    Args:
        run: The folder a run wrote, or one that `noss train` wrote.
        suite: The suite's folder; made where it is not there.
        model: Of a training run, names under which its weights ship, as `noss/small`, beside `trained/RUN`.
        licence: Of a training run, licences of what is in its data, as `NAME=LICENCE`, beside those that cards state.

    Raises:
        DataError: The folder holds no scores, a name means nothing on another machine, or the model's file is broken; a
            training run is not finished.
        NossError: There is no such model.
    """
    folder = Path(suite)
    if folder.name == TRAINING:
        from noss.pipeline._publish_training import training_file

        return _whole(*training_file(Path(run), folder, models=model, licences=licence))
    if model or licence:
        raise DataError(
            f"--model and --licence tell of a training run, and {folder} takes scores: give results/{TRAINING}"
        )
    if folder.name == PUBLISHED:
        raise DataError(f"{folder} is for figures that others published: give the folder of a suite")
    if folder.name == FOLDER:
        return _analyses(Path(run) / FOLDER, folder)
    return _records(Path(run) / "scores.jsonl", folder)


def _analyses(given: Path, folder: Path) -> Published:
    """The files of every analysis of a run."""
    kinds = [kind for kind in KINDS if (given / f"{kind}.jsonl").is_file()]
    alike = given / SIMILARITY
    if not kinds and not alike.is_file():
        raise DataError(f"there are no analyses in {given}: make them with `noss analyse` first")
    found = [_records(given / f"{kind}.jsonl", folder / kind) for kind in kinds]
    if alike.is_file():
        found.append(_similarities(alike, folder / SIMILARITY))
    return Published([path for one in found for path in one.paths], sum(one.num_written for one in found))


def _similarities(given: Path, path: Path) -> Published:
    """The file of comparisons: a new one takes the place of those on the same clips of its models, or of some of them."""
    new = shared_similarities(given)
    known = read_similarities(path) if path.is_file() else []
    merged = sorted([*(one for one in known if not any(_holds(other, one) for other in new)), *new], key=_comparison)
    if merged != known:
        write_similarities(path, merged)
    return Published([path], int(merged != known))


def _holds(one: Similarity, other: Similarity) -> bool:
    return _comparison(one)[:3] == _comparison(other)[:3] and set(_comparison(other)[3:]) <= set(_comparison(one)[3:])


def _comparison(one: Similarity) -> tuple[str, ...]:
    return (one.dataset, one.estimator, str(one.standardised), *(model.name for model in one.models))


def _whole(path: Path, text: str) -> Published:
    """A file that is written as a whole, unless it is there already."""
    is_new = not path.is_file() or path.read_bytes() != text.encode()
    if is_new:
        write_text(path, text)
    return Published([path], int(is_new))


def _records(path: Path, folder: Path) -> Published:
    """The files of the models that a file of records tells of."""
    scores = read_scores(path)
    if not any(score.main for score in scores):
        raise DataError(f"{path} holds no main score: score something with `noss run` first")
    for number, score in enumerate(scores, 1):
        check_score(score, f"{path}, line {number}")
    models = dict.fromkeys(score.model for score in scores)
    new = {model: _merged(folder, model, [score for score in scores if score.model == model]) for model in models}
    changed = {model: rows for model, rows in new.items() if rows is not None}
    for model, rows in changed.items():
        write_scores(result_path(folder, model), rows)
    return Published(paths=[result_path(folder, model) for model in models], num_written=len(changed))


def _merged(folder: Path, model: str, scores: Sequence[Score]) -> list[Score] | None:
    """The rows of a model's file with new ones in the place of old; None where the file holds them already."""
    path = result_path(folder, model)
    known = read_result(path) if path.exists() else []
    given = {_row(score) for score in scores}
    merged = sorted([*(one for one in known if _row(one) not in given), *scores], key=_row)
    return None if merged == known else merged


def _row(score: Score) -> tuple[str, ...]:
    return (score.dataset, score.target, score.protocol, score.variant, score.condition, score.probe)
