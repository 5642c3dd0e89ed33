"""SHELF: labelled speech. One file a corpus; this page is the contract.

A dataset file defines `DATASET` and `clips`::

    DATASET = Dataset(title=..., source=..., licence=..., targets={"emotion": (...)}, metric="uar", ...)

    def clips(root: Path) -> Iterator[Clip]: ...

A wrapper (`csv`, `folder`), whose facts are known only once its path is, defines `describe(root: Path) -> Dataset`
in place of `DATASET`. Files are found by their stem, whatever the audio suffix. `clips` lists every clip that the
corpus holds, in a stable order, and neither opens nor checks any audio.

A dataset file may also define

- `warnings(root: Path) -> Sequence[str]`, lines to show beside every score on its clips;
- `expected(root: Path) -> Iterator[str]`, the audio files of the complete corpus, as paths from the root without
  suffix, in order, from its naming scheme or its own lists: what is missing is told from it;
- `trials(root: Path) -> Iterator[Trial]`, the published list of trials for speaker verification, if there is one: the
  paths of two clips, as `clips` gives them, and whether one speaker says both;
- `default_root(cache: Path) -> Path`, where its clips are when no root is given;

and a wrapper

- `ROOT`, `"file"` or `"folder"`: what its path is (neither: either, or a name that is no path);
- `CHOICE`, a regular expression with the groups `source` and `target`: how a name behind it that is no path on disk is
  taken apart (without it, such a name is refused);
- `prepare(choice: str, cache: Path) -> Path`: where its audio lies in archives or behind a name, bring it into a folder
  of the cache (again and again the same one, complete or not there at all) and return what `describe` and `clips` read.

`noss.pipeline` behaves: it hashes, splits, embeds and joins. A dataset only states facts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Split = Literal["train", "dev", "test"]
Speakers = Literal["disjoint", "shared", "unknown"]
Access = Literal["open", "gated", "private"]
Family = Literal["emotion", "speaker", "language", "health", "spoof", "words", "sounds", "style"]
Trial = tuple[Path, Path, bool]


@dataclass(frozen=True, kw_only=True)
class Clip:
    """One labelled recording: a file, or a piece of one.

    Attributes:
        path: The audio file.
        labels: Label by target; a class name, or a number for a target that is a number. A target may be missing.
        speaker: Who speaks; None where the corpus does not say.
        split: The published split, if the corpus has one.
        fold: The published fold (0, 1, ...), if the corpus has folds.
        start_s: Where the clip starts in the file, in seconds.
        end_s: Where it ends, in seconds; None means the end of the file.
        session: Recording session, if known.
        sentence: What is read, if scripted.
        facts: Further columns, for sub-group scores (`gender`, `age`, ...).
    """

    path: Path
    labels: Mapping[str, str | float]
    speaker: str | None = None
    split: Split | None = None
    fold: int | None = None
    start_s: float = 0.0
    end_s: float | None = None
    session: str | None = None
    sentence: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Download:
    """A file that `noss fetch` brings for an open corpus.

    Attributes:
        url: Its address.
        checksum: `sha256:...` or `md5:...` in hexadecimal, as its owner or a public catalogue states it; empty where
            nobody does.
        size: In bytes; None where it is not known.
        into: The folder below the root that it belongs into.
        unpack: Whether it is an archive whose members belong there, or is kept as it is.
    """

    url: str
    checksum: str = ""
    size: int | None = None
    into: str = "."
    unpack: bool = True


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """What is true of a corpus before a file of it is opened.

    Attributes:
        title: The corpus's full name.
        source: Paper or home page.
        licence: SPDX name where there is one.
        targets: Classes by target, in their fixed order; None for a target that is a number.
        metric: The name of the main metric, a file of the shelf `metrics`.
        num_clips: Clips the corpus holds when it is complete.
        hours: Hours of audio when it is complete.
        citation: BibTeX key or short reference.
        speakers: Whether the published split or folds share speakers; `unknown` where clips carry none.
        shared_targets: Targets scored on `split` with the same speakers on both sides by design (speaker
            identification). Every other target uses speaker-disjoint splits or folds.
        metrics: Main metric of single targets, where it differs from `metric`.
        num_speakers: Speakers the corpus holds when it is complete.
        language: Language codes spoken, BCP 47.
        notes: What a user should know, one sentence each (shown by `noss show`).
        families: What kind of thing each target is, for means over families.
        num_by_split: Clips by split when the corpus is complete, if its split is published.
        num_by_label: Clips by label, for targets whose counts are published.
        access: `open` to everybody, `gated` by a form, an agreement or a fee, or `private`.
        ask: Of a gated corpus: where and how to ask for it, and which files to download then (sentences, Markdown).
        layout: The tree below the root, as its owner distributes it, one line an entry.
        signs: Globs from the root; a folder in which each matches something looks like this corpus.
        downloads: Files to fetch, if it is open.
    """

    title: str
    source: str
    licence: str
    targets: Mapping[str, tuple[str, ...] | None]
    metric: str
    num_clips: int
    hours: float
    citation: str = ""
    speakers: Speakers = "disjoint"
    shared_targets: tuple[str, ...] = ()
    metrics: Mapping[str, str] = field(default_factory=dict)
    num_speakers: int | None = None
    language: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    families: Mapping[str, Family] = field(default_factory=dict)
    num_by_split: Mapping[Split, int] = field(default_factory=dict)
    num_by_label: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    access: Access = "open"
    ask: str = ""
    layout: str = ""
    signs: tuple[str, ...] = ()
    downloads: tuple[Download, ...] = ()
