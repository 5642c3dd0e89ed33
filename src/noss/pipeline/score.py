"""Score predictions by every metric that fits, each with a 95 % interval."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from noss import __version__
from noss.errors import DataError
from noss.pipeline._bootstrap import Interval, clusters, intervals
from noss.pipeline._predictions import Predictions, read_facts, read_predictions
from noss.pipeline._predictions_metrics import Measured, measure, metrics_hash
from noss.pipeline._request import words
from noss.reports import Score
from noss.runs import signature, write_text

if TYPE_CHECKING:
    from rich.table import Table


_FEW_SPEAKERS = 10


@dataclass(frozen=True, kw_only=True)
class Scored:
    """Scores, and the file they stand in."""

    path: Path
    scores: list[Score]

    def __rich__(self) -> Table:
        """The main scores as a table for the terminal."""
        from noss.pipeline._leaderboard import leaderboard

        return leaderboard(self.scores).table(caption=f"scores: {self.path}")


def score(
    predictions: Path | str,
    *,
    out: Path | str | None = None,
    metrics: Sequence[str] = (),
    draws: int = 2000,
    seed: int = 0,
) -> Scored:
    """Score predictions and write one record a metric to `scores.jsonl`.

    Predictions scored before with the same signature are not scored again. Records of other predictions that stand in
    the file already are kept.

    Args:
        predictions: A predictions file, a folder of them, or a run's folder.
        out: The folder for `scores.jsonl`; by default the run's folder that the predictions stand in.
        metrics: Names of metrics beside the task's own; by default every one that fits the task.
        draws: Bootstrap draws behind an interval.
        seed: The seed of the draws.

    Raises:
        DataError: No predictions there, or a file is broken.
    """
    paths = _files(Path(predictions))
    target = Path(out or _run_folder(paths[0])) / "scores.jsonl"
    known = read_scores(target) if target.exists() else []
    chosen = words(metrics) or None
    found = [
        one for path in paths for one in score_predictions(path, metrics=chosen, draws=draws, seed=seed, known=known)
    ]
    given = {one.predictions for one in found}
    scores = [*(one for one in known if one.predictions not in given), *found]
    write_scores(target, scores)
    return Scored(path=target, scores=scores)


def score_predictions(
    path: Path,
    *,
    metrics: Sequence[str] | None = None,
    draws: int = 2000,
    seed: int = 0,
    known: Sequence[Score] | None = None,
) -> list[Score]:
    """Scores of one predictions file: the task's main metric first, then every other that fits.

    A metric that these clips do not define (one class only, say) is left out.

    Args:
        path: The predictions file.
        metrics: Names of metrics beside the main one; None for all of the shelf.
        draws: Bootstrap draws behind an interval.
        seed: The seed of the draws.
        known: Records made before, reused where the signature is the same; None for those in `scores.jsonl` of the
            run's folder.

    Raises:
        DataError: No predictions there, or the main metric is not defined on them.
        UnknownPartError: No such metric.
    """
    facts = read_facts(path)
    key = signature([facts["signature"], metrics, metrics_hash(facts["metric"], metrics), draws, seed, __version__])
    earlier = [one for one in _known(path, known) if one.signature == key and one.predictions == _name(path)]
    if earlier:
        return earlier
    predictions = read_predictions(path)
    measured = measure(predictions, metrics, name=path.name)
    cluster_N, unit = clusters(predictions.speakers, predictions.partners)
    found = intervals(
        [one.module for one in measured],
        predictions.true_N,
        predictions.scores_NK,
        cluster_N=cluster_N,
        unit=unit,
        draws=draws,
        seed=seed,
    )
    record = _record(predictions, key=key, name=_name(path))
    return [_score(record, one, within) for one, within in zip(measured, found, strict=True)]


def read_scores(path: Path) -> list[Score]:
    """The records of a `scores.jsonl`.

    Raises:
        DataError: No such file, or a line is not a record; the message names the line.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read the scores {path}: {error}; run `noss run` or `noss score` first") from error
    return [_parse(line, f"{path}, line {number}") for number, line in enumerate(lines, start=1) if line.strip()]


def write_scores(path: Path, scores: Sequence[Score]) -> None:
    """Write records to a `scores.jsonl`, whole or not at all; `read_scores` gives the same back.

    Raises:
        StoreError: The folder cannot be written.
    """
    lines = [json.dumps(asdict(one), allow_nan=False) for one in scores]
    write_text(path, "".join(f"{line}\n" for line in lines))


def _files(predictions: Path) -> list[Path]:
    if predictions.is_file():
        return [predictions]
    folder = predictions / "predictions" if (predictions / "predictions").is_dir() else predictions
    found = sorted(path for path in folder.glob("*.parquet") if not path.name.startswith("."))
    if not found:
        raise DataError(f"no predictions in {predictions}: give a run's folder or a file that noss run or probe wrote")
    return found


def _run_folder(path: Path) -> Path:
    return path.parent.parent if path.parent.name == "predictions" else path.parent


def _name(path: Path) -> str:
    return path.absolute().relative_to(_run_folder(path.absolute())).as_posix()


def _known(path: Path, known: Sequence[Score] | None) -> Sequence[Score]:
    if known is not None:
        return known
    there = _run_folder(path) / "scores.jsonl"
    return read_scores(there) if there.exists() else []


def _record(predictions: Predictions, *, key: str, name: str) -> dict[str, Any]:
    """The fields that all scores of a predictions file share."""
    facts, classes = predictions.facts, predictions.classes
    speakers = {speaker for speaker in [*predictions.speakers, *(predictions.partners or ())] if speaker is not None}
    shared = {field.name: facts[field.name] for field in fields(Score) if field.name in facts}
    found = {
        "num_test": len(predictions.ids),
        "num_speakers": len(speakers) or None,
        "num_classes": None if classes is None else len(classes),
        "signature": key,
        "noss_version": __version__,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "predictions": name,
        "warnings": [*facts["warnings"], *_few(len(speakers))],
    }
    return {**shared, **found}


def _few(num_speakers: int) -> list[str]:
    if 1 < num_speakers < _FEW_SPEAKERS:
        return [f"{num_speakers} speakers only: the interval is rough, and other speakers may differ"]
    return []


def _score(record: Mapping[str, Any], measured: Measured, within: Interval) -> Score:
    own = {
        "metric": measured.name,
        "main": measured.main,
        "higher_is_better": measured.module.METRIC.higher_is_better,
        "value": measured.value,
        "chance": measured.chance,
        "low": within.low,
        "high": within.high,
        "interval": within.how if measured.draw_sd is None else f"{within.how}, over the same training draws",
        "draw_sd": measured.draw_sd,
        "layers": record.get("layers", []) if measured.main else [],
        "warnings": [*record["warnings"], *within.warnings],
    }
    return Score(**{**record, **own})


def _parse(line: str, where: str) -> Score:
    try:
        facts = json.loads(line)
    except ValueError as error:
        raise DataError(f"{where} is not JSON ({error}): delete the file and score again") from error
    if not isinstance(facts, dict):
        raise DataError(f"{where} is not a record: delete the file and score again")
    known = {field.name for field in fields(Score)}
    needed = {field.name for field in fields(Score) if field.default is MISSING and field.default_factory is MISSING}
    if unknown := sorted(facts.keys() - known):
        raise DataError(f"{where} has the unknown field {unknown[0]!r}: it was made by another version; score again")
    if missing := sorted(needed - facts.keys()):
        raise DataError(f"{where} lacks the field {missing[0]!r}: it was made by another version; score again")
    return Score(**facts)
