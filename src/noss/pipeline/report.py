"""Show the scores of a run as a page or a table, a training run as a page, or a results store as a site."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from noss import __version__, shelf
from noss.errors import DataError
from noss.pipeline._analyse_request import FOLDER
from noss.pipeline._details import read_settings, run_details
from noss.pipeline._explorer_page import explorer_beside, make_explorer
from noss.pipeline._published import published_files
from noss.pipeline._report_folder import filling
from noss.pipeline._request import words
from noss.pipeline._results import is_store
from noss.pipeline._site import read_site
from noss.pipeline._train_files import is_training
from noss.pipeline.score import read_scores
from noss.places.outgoing import folder_here
from noss.reports import Score
from noss.runs import cache_folder, replacing, signature, write_text


def report(
    run: Path | str,
    *,
    style: str = "html",
    out: Path | str | None = None,
    explore: bool = False,
    models: Sequence[str] = (),
    cache: Path | str | None = None,
) -> Path:
    """Show the scores of a run: `html`, `markdown`, ..., `mteb`; gives the path of the file or folder written.

    Does nothing where the file is there already and nothing that it shows has changed. A results store (SUITE/MODEL.jsonl)
    becomes a site: a leaderboard over suites, a page a suite, a model and a task. A folder of `noss train` becomes a page of
    curves, also while it trains (`html`, `markdown`).

    Args:
        run: The folder a run wrote, one that `noss train` wrote, or a results store.
        style: A name of the shelf `reports`, or the path of a Python file.
        out: The file to write, or the folder for a style that writes several; None for `report` in the run's folder, and
            `site` for a results store.
        explore: Write `explorer.html` beside the page, too: a map of every clip to colour, filter, hear and compare. It takes
            up to half a minute a model and dataset, once.
        models: Names of the models that the explorer shows; by default the three best.
        cache: Where embeddings are kept; None for the folder that the run used.

    Raises:
        DataError: The folder holds no scores, its files cannot be read, or the style cannot show a results store.
        UnknownPartError: No such style.
    """
    run, part = folder_here(run), shelf.load("reports", style)
    if is_store(run):
        if explore:
            raise DataError(
                f"{run} holds results of many runs, and --explore shows the clips of one: give a run's folder"
            )
        return _site(run, part, style, Path(out or "site"))
    if is_training(read_settings(run / "run.json")):
        return _training(run, part, out, explore=explore, models=models, cache=cache)
    scores = _scores(run)
    target = Path(out) if out else run / f"report{part.SUFFIX}"
    kept_in = cache_folder(cache or read_settings(run / "run.json").get("cache"))
    if not explore and models:
        raise DataError(f"--models {','.join(words(models))} says what the explorer shows: add --explore")
    lacking = make_explorer(run, scores, part, report=target, models=words(models), cache=kept_in) if explore else None
    _write(run, scores, part, target, mark=[style, str(target.resolve())], cache=kept_in)
    if lacking is not None:
        raise lacking
    return target


def _write(run: Path, scores: list[Score], part: ModuleType, target: Path, *, mark: list[str], cache: Path) -> None:
    """Write one report, unless it is there already and shows the same."""
    if getattr(part, "FOLDER", False):
        with filling(target) as folder:
            part.write(scores, folder)
        return
    made = run / "details" / f"made-{signature(mark)[:12]}.txt"
    explorer = explorer_beside(run, target)
    inputs = signature([_inputs(run, part), *explorer])
    if target.is_file() and made.is_file() and made.read_text(encoding="utf-8") == _mark(inputs, target):
        return
    details = run_details(run, scores, pages=getattr(part, "PAGES", False), cache=cache)
    details = replace(details, explorer=explorer[0], explored=explorer[1])
    with replacing(target) as temporary:
        part.write(scores, temporary, details=details)
    if details.complete:
        write_text(made, _mark(inputs, target))


def _site(store: Path, part: ModuleType, style: str, target: Path) -> Path:
    if not hasattr(part, "write_site"):
        what = f"{store} holds results of many runs, and the style {style} shows one run"
        raise DataError(f"{what}: give the folder of a run, or write --style html")
    site = read_site(store)
    with filling(target) as folder:
        part.write_site(site, folder)
    return target / "index.html"


def _training(
    run: Path,
    part: ModuleType,
    out: Path | str | None,
    *,
    explore: bool,
    models: Sequence[str],
    cache: Path | str | None,
) -> Path:
    if explore or models:
        raise DataError(f"{run} holds a training run, which has no clips to explore: leave out --explore and --models")
    from noss.pipeline._train_page import write_training_page

    target = Path(out) if out else run / f"report{part.SUFFIX}"
    return write_training_page(run, part, target, cache=cache_folder(cache))


def _scores(run: Path) -> list[Score]:
    path = run / "scores.jsonl"
    if not path.is_file() and (run / FOLDER).is_dir():
        return []
    if not path.is_file():
        raise DataError(f"no scores at {path}: give the folder that `noss run` wrote, the one its --out names")
    scores = read_scores(path)
    if not any(score.main for score in scores):
        raise DataError(f"{path} holds no main score: score something with `noss run` first")
    return scores


def _inputs(run: Path, part: ModuleType) -> str:
    """A hash over all that a report shows, and over the code that shows it."""
    source = Path(str(part.__file__))
    code = [source] if source.parent.name != "reports" else sorted(source.parent.rglob("*.*[!c]"))
    own = [
        *(run / name for name in ("scores.jsonl", "failures.csv", "run.json")),
        *sorted((run / FOLDER).glob("*.json*")),
    ]
    files = [*own, *published_files(), *code]
    return signature([__version__, *(_digest(path) for path in files if path.is_file())])


def _mark(inputs: str, target: Path) -> str:
    return f"{inputs} {_digest(target)}\n"


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
