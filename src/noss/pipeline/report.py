"""Show the scores of a run as a page or a table."""

from __future__ import annotations

from pathlib import Path

from noss import shelf
from noss.errors import DataError
from noss.pipeline._details import run_details
from noss.pipeline.score import read_scores
from noss.runs import replacing


def report(run: Path, *, style: str = "html", out: Path | None = None) -> Path:
    """Show the scores of a run: `html`, `markdown`, `csv` or `latex`; gives the path of the file written.

    Args:
        run: The folder a run wrote.
        style: A name of the shelf `reports`, or the path of a Python file.
        out: The file to write; None for `report` in the run's folder.

    Raises:
        DataError: The folder holds no scores, or its files cannot be read.
        UnknownPartError: No such style.
    """
    part = shelf.load("reports", style)
    path = run / "scores.jsonl"
    if not path.is_file():
        raise DataError(f"no scores at {path}: give the folder that `noss run` wrote, as its --out says")
    scores = read_scores(path)
    if not scores:
        raise DataError(f"{path} is empty: score something with `noss run` first")
    target = out or run / f"report{part.SUFFIX}"
    details = run_details(run, scores, pages=getattr(part, "PAGES", False))
    with replacing(target) as temporary:
        part.write(scores, temporary, details=details)
    return target
