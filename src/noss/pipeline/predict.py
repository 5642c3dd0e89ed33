"""Label new files with a saved classifier: a label and calibrated probabilities a file."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from noss.datasets import Clip
from noss.errors import DataError, Failure
from noss.identity import clip_ids
from noss.pipeline._classifier_file import Saved, read_classifier
from noss.pipeline._classifier_rows import Row, rows_as_csv, rows_as_json_lines, rows_as_table
from noss.pipeline._embed_done import Embedded
from noss.pipeline._embed_sources import files_of
from noss.pipeline.embed import embed_clips
from noss.places import path_of
from noss.runs import cache_folder, write_text
from noss.shelf import did_you_mean

Format = Literal["table", "csv", "jsonl"]


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """Files with their labels, in the order given, and those that could not be read."""

    rows: list[Row]
    text: str
    out: Path | None = None
    failures: list[Failure] = field(default_factory=list)

    def __str__(self) -> str:
        return self.text if self.out is None else f"{self.out}: {len(self.rows)} files labelled"


def predict(
    classifier: Path | str,
    files: Sequence[Path | str],
    *,
    format: Format = "table",
    out: Path | str | None = None,
    cache: Path | str | None = None,
    workers: int | None = None,
    device: str | None = None,
) -> Labelled:
    """Label audio files with a classifier that `noss fit` saved.

    Args:
        classifier: The classifier's folder.
        files: Audio files, and folders that are searched for them.
        format: `table` to read, `csv` or `jsonl` (with a probability a class) for programs.
        out: The file to write; None for standard output.
        cache: Where embeddings are kept; None for `NOSS_CACHE` or the platform's cache folder.
        workers: Processes that embed; None for one a core.
        device: Where the model runs: `cpu` or `cuda`; None for the best there is.

    Raises:
        ModelError: The folder is no classifier, is broken, or its model has changed since.
        DataError: No files are given, a folder holds no audio, or the format is unknown.
    """
    as_text = _writer(format)
    folder = cache_folder(cache)
    saved = read_classifier(Path(classifier), cache=folder)
    clips = _clips(files)
    embedded = embed_clips(
        saved.model, clips, ids=clip_ids(clips, cache=folder), cache=folder, workers=workers, device=device
    )
    rows = _rows(saved, clips, embedded)
    text = as_text(rows)
    if out is not None:
        write_text(path_of(out), text)
    for failure in embedded.failures:
        named = failure.reason if failure.file in failure.reason else f"{failure.file}: {failure.reason}"
        sys.stderr.write(f"{named}\n")
    return Labelled(rows=rows, text=text, out=None if out is None else path_of(out), failures=embedded.failures)


def _writer(format: str) -> Callable[[Sequence[Row]], str]:
    writers = {"table": rows_as_table, "csv": rows_as_csv, "jsonl": rows_as_json_lines}
    if format not in writers:
        raise DataError(f"no format {format!r}: {did_you_mean(format, list(writers))}")
    return writers[format]


def _clips(files: Sequence[Path | str]) -> list[Clip]:
    given = [files] if isinstance(files, str | Path) else files
    found = [Clip(path=path, labels={}) for path in files_of(list(given))]
    if not found:
        raise DataError("no files to label: name audio files or folders that hold them")
    return found


def _rows(saved: Saved, clips: Sequence[Clip], embedded: Embedded) -> list[Row]:
    kept = [(clip, name) for clip, name in zip(clips, embedded.ids, strict=True) if name is not None]
    if not kept:
        return []
    outputs_NK = saved.trained.outputs(embedded.store.lookup([name for _, name in kept]))
    return [
        Row.of(str(clip.path), values_K, saved.classes) for (clip, _), values_K in zip(kept, outputs_NK, strict=True)
    ]
