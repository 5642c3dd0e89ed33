"""Embed audio: files, folders or datasets into vectors, kept in the store and written as a table.

Every clip is embedded once for a model as it is, whatever task or run asks for it; an interrupted run goes on where
it was stopped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noss.datasets import Clip
from noss.errors import AudioError, Failure
from noss.frame_store import FrameStore
from noss.identity import clip_ids
from noss.pipeline._embed_done import Embedded, EmbeddedFrames, Ledger, accounts
from noss.pipeline._embed_engine import LOCAL, Engine, open_engine
from noss.pipeline._embed_frames import frame_facts, run_frames
from noss.pipeline._embed_frames_table import check_rows, write_frames
from noss.pipeline._embed_lookup import look_up
from noss.pipeline._embed_plan import Jobs, Lost
from noss.pipeline._embed_precision import Precision, sped_up
from noss.pipeline._embed_progress import Bar
from noss.pipeline._embed_remote import ahead
from noss.pipeline._embed_run import Run
from noss.pipeline._embed_slice import copy_layer
from noss.pipeline._embed_sources import Catalogue, is_source
from noss.pipeline._embed_table import write_table
from noss.pipeline._embed_table_made import EmbeddedTable
from noss.pipeline._embed_windows import in_windows
from noss.pipeline._models import DEFAULT_MODEL, Model, open_model
from noss.pipeline._request import roots, words
from noss.pipeline._shard import parse_shard, share_of
from noss.pipeline._trust import check_trusted, trust
from noss.places import path_of
from noss.places.outgoing import check_bucket
from noss.runs import cache_folder
from noss.store import Store


def embed(
    model: str,
    source: Sequence[str] = (),
    *,
    out: Path | str = "embeddings.parquet",
    cache: Path | str | None = None,
    root: Sequence[str] = (),
    workers: int | None = None,
    device: str | None = None,
    batch_s: float | None = None,
    engine: str = "local",
    address: str | None = None,
    gpus_per_worker: float | None = None,
    shard: str | None = None,
    frames: bool = False,
    per_window: bool = False,
    window_s: float | None = None,
    hop_s: float | None = None,
    precision: Precision = "fp32",
    compile: bool = False,
    strict: bool = False,
    trust_remote_code: Sequence[str] = (),
) -> EmbeddedTable:
    """Embed audio into a table: file, start, end, embedding.

    Args:
        model: Name of a model, or the path of your own: `yamnet`, `transformers/DIR@6`, `./mine.py`. It may be left out, for
            `noss/small`: a first word that is no model, and names audio, is the first source.
        source: Audio files, folders of them, names of datasets, and tables (`.csv`, `.parquet`: file, start, end) of any
            length, in any mixture; rows of tables come last.
        out: The table to write: `.parquet` or `.csv`, here or at an address, `s3://BUCKET/emb.parquet`.
        cache: Where embeddings are kept; None for `NOSS_CACHE` or the platform's cache folder.
        root: Where corpora lie, as `NAME=DIR`.
        workers: Processes that embed; None for one a core, 0 for none beside this one.
        device: Where the model runs: `cpu` or `cuda`; None for the best there is.
        batch_s: Seconds of audio that the model sees at once; None for what suits it.
        engine: Where workers run: `local`, this machine, or `ray`, a Ray cluster.
        address: The Ray cluster: `HOST:PORT`, `auto` or `ray://HOST:PORT`; None for one of its own on this machine.
        gpus_per_worker: GPUs for each worker on the Ray cluster, or a fraction of one, such as 0.25.
        shard: Embed only a share of the clips, such as `3/8`, and write only its rows: one command a machine, one cache.
        frames: Write every vector over time, a row a frame, in place of one a clip. They are kept, too, and take a few
            hundred times the room: `noss.frame_store` says how much.
        per_window: Write a vector a window, with its start and end: a time line. They are kept, too.
        window_s: With `per_window`, the length of a window in seconds; None for the model's own.
        hop_s: With `per_window`, seconds from the start of one window to that of the next; None puts them side by side.
        precision: Of a torch model's matrix products: `bf16` is faster on some machines and moves vectors a little, which is
            measured; `auto` takes it where it is faster and too near to move a score.
        compile: Let torch compile the model first, which takes up to a minute a worker and needs a C++ compiler.
        strict: Stop at the first clip that fails, in place of listing it and going on.
        trust_remote_code: Names of models that may run the code of their repository; read that code first.

    Returns:
        What was written, and what failed.

    Raises:
        NossError: The request is wrong, or the table cannot be written.
    """
    check_rows(path_of(out), frames=frames, per_window=per_window, sizes=(window_s, hop_s))
    check_bucket(out)
    folder = cache_folder(cache)
    names = [source] if isinstance(source, str) else list(source)
    if is_source(model):
        model, names = DEFAULT_MODEL, [model, *names]
    check_trusted(trust_remote_code, [model])
    opened = open_model(model, cache=folder, **trust(model, trust_remote_code))
    if per_window:
        opened = in_windows(opened, window_s=window_s, hop_s=hop_s)
    where = open_engine(engine, address=address, gpus_per_worker=gpus_per_worker)
    share = None if shard is None else parse_shard(shard)
    catalogue = share_of(Catalogue(names, roots=roots(words(root)), cache=folder), share, cache=folder)
    options: dict[str, Any] = {"workers": workers, "device": device, "batch_s": batch_s, "strict": strict}
    options["engine"] = where
    if precision != "fp32" or compile:
        sample = next(iter(catalogue), [])
        how: dict[str, Any] = {"precision": precision, "compiled": compile, "device": device, "workers": workers}
        opened = sped_up(opened, sample, clip_ids(sample, cache=folder), cache=folder, **how)
    if frames or per_window:
        return _frames_table(path_of(out), opened, catalogue, cache=folder, **options)
    ledger, store = Ledger(), Store.open(folder, opened.facts)
    for block in catalogue:
        ids = clip_ids(block, cache=folder)
        ledger.add(embed_clips(opened, block, ids=ids, cache=folder, store=store, **options))
    return EmbeddedTable(
        out=path_of(out),
        num_clips=write_table(path_of(out), ledger.rows(catalogue), store),
        layers=store.layers,
        dim=store.dim,
        failures=ledger.failures,
        newly_embedded=ledger.newly_embedded,
    )


def embed_clips(
    model: Model,
    clips: Sequence[Clip],
    *,
    ids: Sequence[str | Failure],
    cache: Path,
    workers: int | None = None,
    device: str | None = None,
    batch_s: float | None = None,
    engine: Engine = LOCAL,
    strict: bool = False,
    progress: bool = True,
    store: Store | None = None,
) -> Embedded:
    """Put the embeddings of clips into the store; only the missing ones are made.

    Args:
        model: The model.
        clips: What to embed.
        ids: Their identities, from `noss.identity.clip_ids`.
        cache: The cache folder.
        workers: Processes that embed; None for one a core, 0 for none beside this one.
        device: `cpu` or `cuda`; None for the best there is.
        batch_s: Seconds of audio that the model sees at once; None for what suits it.
        engine: Where workers run.
        strict: Raise at the first clip that fails.
        progress: Draw a progress bar where stderr is a terminal.
        store: The model's store, where it is open already; None opens it.

    Returns:
        The store, and the identity or the failure of every clip.

    Raises:
        ModelError: The model cannot be built, or breaks its contract.
        AudioError: A clip failed and `strict` is set.
        StoreError: The store cannot be written.
    """
    unread = [name for name in ids if isinstance(name, Failure)]
    if strict and unread:
        raise AudioError(f"{unread[0].file} {unread[0].reason}: check the path, or leave out --strict")
    store = Store.open(cache, model.facts) if store is None else store
    missing = _missing(store, ids)
    if len(missing) and copy_layer(model, store, [str(ids[place]) for place in missing], cache=cache):
        missing = _missing(store, ids)
    lost: list[Lost] = []
    if len(missing) and model.lookup is not None:
        lost = look_up(model, store, clips, ids, missing.tolist())
    elif len(missing):
        how = engine.spread(model.card, workers=workers, device=device, batch_s=batch_s)
        how = ahead(how, clips, missing)
        run = Run(model, store, id_of=lambda place: str(ids[place]), spread=how, strict=strict, engine=engine)
        with Bar(f"{model.name} {model.condition}".rstrip(), total=len(missing), shown=progress) as bar:
            lost = run(Jobs(clips, missing), bar=bar)
    if strict and lost:
        raise AudioError(lost[0].reason)
    failures, kept = accounts(clips, ids, {str(ids[one.place]): one for one in lost})
    return Embedded(store=store, ids=kept, failures=failures, newly_embedded=len(missing) - len(lost))


def embed_frames(
    model: Model,
    clips: Sequence[Clip],
    *,
    ids: Sequence[str | Failure],
    cache: Path,
    workers: int | None = None,
    device: str | None = None,
    batch_s: float | None = None,
    engine: Engine = LOCAL,
    strict: bool = False,
    progress: bool = True,
    store: FrameStore | None = None,
) -> EmbeddedFrames:
    """Put the frames of clips into the store of frames; only the missing ones are made.

    Args:
        model: The model.
        clips: What to embed.
        ids: Their identities, from `noss.identity.clip_ids`.
        cache: The cache folder.
        workers: Processes that embed; None for one a core, 0 for none beside this one.
        device: `cpu` or `cuda`; None for the best there is.
        batch_s: Seconds of audio that the model sees at once; None for what suits it.
        engine: Where workers run.
        strict: Raise at the first clip that fails.
        progress: Draw a progress bar where stderr is a terminal.
        store: The model's store of frames, where it is open already; None opens it.

    Returns:
        The store, and the identity or the failure of every clip.

    Raises:
        ModelError: The model has no frames, cannot be built, or breaks its contract.
        AudioError: A clip failed and `strict` is set.
        StoreError: The store cannot be written.
    """
    unread = [name for name in ids if isinstance(name, Failure)]
    if strict and unread:
        raise AudioError(f"{unread[0].file} {unread[0].reason}: check the path, or leave out --strict")
    store = FrameStore.open(cache, frame_facts(model)) if store is None else store
    missing, lost = _missing(store, ids), list[Lost]()
    if len(missing):
        how = engine.spread(model.frames_card, workers=workers, device=device, batch_s=batch_s)
        how = ahead(how, clips, missing)
        with Bar(model.name, total=len(missing), shown=progress) as bar:
            lost = run_frames(
                model, store, Jobs(clips, missing), ids=ids, spread=how, strict=strict, bar=bar, engine=engine
            )
        store.refresh()
    failures, kept = accounts(clips, ids, {str(ids[one.place]): one for one in lost})
    return EmbeddedFrames(store=store, ids=kept, failures=failures, newly_embedded=len(missing) - len(lost))


def _frames_table(
    out: Path, model: Model, catalogue: Iterable[Sequence[Clip]], *, cache: Path, **options: Any
) -> EmbeddedTable:
    """Frames or windows of a catalogue, embedded a block of clips after the other and then written in one go."""
    ledger, store = Ledger(), FrameStore.open(cache, frame_facts(model))
    for block in catalogue:
        ids = clip_ids(block, cache=cache)
        ledger.add(embed_frames(model, block, ids=ids, cache=cache, store=store, **options))
    clips = (pair for rows in ledger.rows(catalogue) for pair in zip(*rows, strict=True))
    frame_rate = 0.0 if model.per_window else model.frames_card.frame_rate
    return EmbeddedTable(
        out=out,
        num_frames=write_frames(out, clips, store, frame_rate=frame_rate),
        num_clips=ledger.num_clips,
        layers=store.layers,
        dim=store.dim,
        failures=ledger.failures,
        newly_embedded=ledger.newly_embedded,
        unit="windows" if model.per_window else "frames",
    )


def _missing(store: Store | FrameStore, ids: Sequence[str | Failure]) -> NDArray[np.int64]:
    """The first place of every identity that has no row yet."""
    readable_N = np.array([place for place, name in enumerate(ids) if isinstance(name, str)], dtype=np.int64)
    return readable_N[store.missing_places([name for name in ids if isinstance(name, str)])]
