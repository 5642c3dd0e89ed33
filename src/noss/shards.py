"""Write recordings into webdataset shards: few large tar files, which clusters and object stores read best.

    python -m noss.shards corpus/wavs shards --megabytes 500

writes `shards/00000.tar`, ... with an index beside each, `00000.tar.index.json`, so that no run has to read them through.
Copy the folder where it is wanted, and name it in a recipe: `"data": ["shards/s3://BUCKET/shards"]`.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import sys
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import soundfile

from noss.audio import read
from noss.datasets import Clip
from noss.datasets._files import is_audio
from noss.errors import AudioError, DataError, Failure, NossError
from noss.pipeline._embed_sources import clips_of
from noss.pipeline._request import roots, words
from noss.pipeline._train_shard_index import beside, made
from noss.places import copies
from noss.runs import cache_folder, replacing, write_json


def write_shards(
    source: Sequence[str],
    *,
    out: Path | str,
    megabytes: float = 500.0,
    root: Sequence[str] = (),
    cache: Path | str | None = None,
) -> list[Failure]:
    """Write the clips of datasets, files and folders into tar files, with their labels and speakers.

    A file goes in as it is, under a suffix of audio; a segment of one as a file of its own. A member's `json` holds the
    labels, `speaker`, `split` and the file's name as `file`.

    Args:
        source: Names of datasets, files and folders.
        out: A folder that is not there or is empty.
        megabytes: Size of a tar file, above 0; the last is smaller.
        root: Where corpora lie, as `NAME=DIR`.
        cache: The cache folder; None for `NOSS_CACHE` or the platform's.

    Returns:
        Recordings that cannot be read, and are left out.

    Raises:
        DataError: A source is not there, `out` holds something, or `megabytes` is no size.
        StoreError: The folder cannot be written, or the disk is full.
    """
    folder, failures = Path(out), list[Failure]()
    if not 0 < megabytes < math.inf:
        raise DataError(f"{megabytes:g} megabytes are no size of a shard: give a number above 0, such as 500")
    if folder.is_dir() and any(folder.iterdir()):
        raise DataError(f"{folder} holds something and shards need a folder of their own: give another")
    clips = clips_of(source, roots=roots(words(root)), cache=cache_folder(cache))
    members = _contents(clips, failures)
    first, number = next(members, None), 0
    while first is not None:
        shard = folder / f"{number:05d}.tar"
        with replacing(shard) as temporary:
            first = _fill(temporary, first, members, most=megabytes * 1e6)
        write_json(beside(shard), made(shard))
        number += 1
    return failures


_Content = tuple[str, dict[str, bytes]]


def _fill(path: Path, first: _Content, members: Iterator[_Content], *, most: float) -> _Content | None:
    """Write members until a shard is full, and one at least; what comes next."""
    held: _Content | None = first
    with tarfile.open(path, "w") as tar:
        while held is not None:
            key, files = held
            for suffix, content in files.items():
                header = tarfile.TarInfo(f"{key}.{suffix}")
                header.size = len(content)
                tar.addfile(header, io.BytesIO(content))
            held = next(members, None)
            if tar.offset >= most:
                break
    return held


def _contents(clips: Sequence[Clip], failures: list[Failure]) -> Iterator[_Content]:
    for number, clip in enumerate(clips):
        try:
            suffix, audio = _audio(clip)
        except AudioError as error:
            failures.append(
                Failure(file=str(clip.path), start_s=clip.start_s, end_s=clip.end_s, stage="read", reason=str(error))
            )
            continue
        facts = {**clip.labels, "file": clip.path.name, "speaker": clip.speaker, "split": clip.split}
        told = json.dumps({name: value for name, value in facts.items() if value is not None}, ensure_ascii=False)
        yield f"{number:09d}", {suffix: audio, "json": told.encode()}


def _audio(clip: Clip) -> tuple[str, bytes]:
    """The suffix and the bytes of a clip's file, or of its segment; of a file that no suffix of audio fits, as a WAV."""
    if clip.start_s == 0.0 and clip.end_s is None:
        container = read.info(clip.path).format.lower()
        for suffix in (clip.path.suffix.lstrip(".").lower(), container):
            if is_audio(f"x.{suffix}"):
                with copies.local(clip.path) as file:
                    return suffix, file.read_bytes()
    waveform_T, rate = read.read(clip.path, start_s=clip.start_s, end_s=clip.end_s)
    memory = io.BytesIO()
    soundfile.write(memory, waveform_T, rate, format="WAV", subtype="FLOAT")
    return "wav", memory.getvalue()


def main(arguments: Sequence[str] | None = None) -> int:
    """Write shards as the command line asks; 2 where that cannot be, 3 where recordings were left out."""
    parser = argparse.ArgumentParser(prog="python -m noss.shards", description="Write recordings into tar files.")
    parser.add_argument("source", nargs="+", help="datasets, files and folders")
    parser.add_argument("out", help="a folder that is not there or is empty")
    parser.add_argument("--megabytes", type=float, default=500.0, help="size of a tar file")
    parser.add_argument("--root", action="append", default=[], help="where a corpus lies, as NAME=DIR")
    given = parser.parse_args(arguments)
    try:
        failures = write_shards(given.source, out=given.out, megabytes=given.megabytes, root=given.root)
    except NossError as error:
        sys.stderr.write(f"noss: {error}\n")
        return 2
    for failure in failures:
        sys.stderr.write(f"left out: {failure.reason}\n")
    return 3 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
