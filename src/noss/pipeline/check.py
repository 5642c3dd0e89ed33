"""Check that a model or a dataset holds what its card promises, or a results folder keeps its rules."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from noss.errors import NossError
from noss.pipeline._check_dataset import NUM_HEARD, check_dataset
from noss.pipeline._check_leaks import check_leaks
from noss.pipeline._check_model import check_model
from noss.pipeline._request import roots
from noss.pipeline._results import check_results
from noss.pipeline._trust import check_trusted, trust
from noss.pipeline._verdict import Verdict
from noss.runs import cache_folder, replacing, write_json


@dataclass(frozen=True)
class Findings:
    """The verdicts of a check, the failed ones again as `failures`; printed as a table, or as JSON for programs."""

    verdicts: list[Verdict]
    format: Literal["table", "json"] = "table"

    @property
    def failures(self) -> list[Verdict]:
        """The verdicts that say no."""
        return [verdict for verdict in self.verdicts if verdict.ok is False]

    def __str__(self) -> str:
        if self.format == "json":
            return json.dumps([_facts(verdict) for verdict in self.verdicts], indent=1)
        width = max(len(verdict.name) for verdict in self.verdicts)
        marks = {True: "ok  ", False: "FAIL", None: "note"}
        return "\n".join(f"{marks[verdict.ok]}  {verdict.name:<{width}}  {verdict.detail}" for verdict in self.verdicts)


def check(
    kind: Literal["model", "dataset", "leaks", "results"],
    name: str,
    *,
    root: Sequence[str] = (),
    model: str | None = None,
    cache: Path | str | None = None,
    listen: int | Literal["all"] = NUM_HEARD,
    seed: int = 0,
    out: Path | str | None = None,
    format: Literal["table", "json"] = "table",
    trust_remote_code: Sequence[str] = (),
) -> Findings:
    """Try a part against its contract, a dataset for leaks, or a results folder against its rules, line by line.

    Args:
        kind: What `name` is; `leaks` takes a dataset or a task, decodes all of its clips, and says what stands on both
            sides of a split and what tells the label unheard.
        name: A name on its shelf, or your own file: `yamnet`, `./mine.py`, `csv/./calls.csv`; or the results folder.
        root: Where corpora lie, as `NAME=DIR`.
        model: Of leaks, a model whose training data are set against the corpus.
        cache: The cache folder; None for `NOSS_CACHE` or the platform's.
        listen: Of a dataset, how many clips to decode, or `all`; of every file the header is read.
        seed: The seed by which these are drawn, and of folds made for leaks.
        out: A CSV file, or a folder for it, to name every file that a verdict is about: missing, unreadable, silent ...
            A JSON file, if the name ends so, holds every verdict with its files.
        format: `table` to read, `json` for programs: every verdict with what was seen.
        trust_remote_code: The model's name again, if it may run the code of its repository; read that code first.

    Raises:
        NossError: There is no such part, it cannot be built or listed, `listen` is no number of clips, or `model` is
            given to another check.
    """
    folder = cache_folder(cache)
    if listen != "all" and listen < 0:
        raise NossError(f"--listen {listen} is no number of clips: give 0 or more, or all")
    if model is not None and kind != "leaks":
        raise NossError(f"--model {model} is for noss check leaks: leave it out of noss check {kind}")
    if kind == "model":
        check_trusted(trust_remote_code, [name])
        verdicts = check_model(name, cache=folder, behaviour=True, **trust(name, trust_remote_code))
    elif kind == "results":
        verdicts = check_results(Path(name))
    elif kind == "leaks":
        verdicts = check_leaks(name, roots=roots(root), model=model, cache=folder, seed=seed)
    else:
        verdicts = check_dataset(name, roots=roots(root), cache=folder, listen=listen, seed=seed)
    findings = Findings(verdicts, format=format)
    if out is not None:
        path = Path(out).expanduser()
        _write(findings, path / "files.csv" if path.is_dir() else path)
    return findings


def _write(findings: Findings, path: Path) -> None:
    if path.suffix == ".json":
        write_json(path, [_facts(verdict) for verdict in findings.verdicts])
        return
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["file", "verdict", "what"])
        rows.writerows((name, verdict.name, what) for verdict in findings.verdicts for name, what in verdict.files)


def _facts(verdict: Verdict) -> dict[str, object]:
    files = [{"file": name, "what": what} for name, what in verdict.files]
    return {"verdict": verdict.name, "ok": verdict.ok, "detail": verdict.detail, "files": files}
