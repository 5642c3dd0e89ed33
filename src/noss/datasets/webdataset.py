"""WebDataset shards: members of a tar file with one name are one clip. `webdataset/TARS[/TARGET]`.

`webdataset/./train.tar`, `webdataset/./shards` (a folder of shards), `webdataset/./shards/*.tar`,
`webdataset/./shards/train-{0000..0146}.tar/label`: one tar file or many, plain or packed with gzip, bzip2 or xz.
Where names are separated by commas (`--tasks`), use a folder or a glob in place of `{train,test}`.
`key.wav` (or flac, mp3, ogg, ...) is the audio; `key.json` holds a clip's columns, `key.cls` is its class and `key.txt`
its text. No other member is read, links are not followed, and nothing is ever unpickled. A copy lies in the cache.

The columns are judged as those of a table (`csv`). Where every shard's folder or file name begins with the word train,
dev or test (`val`, ...), that is the split; else a column `split` says it.
"""

from __future__ import annotations

import re
from pathlib import Path

from noss.datasets import _copies, _rows
from noss.datasets._braces import expanded
from noss.datasets._copies import Origin, clips, describe
from noss.datasets._copy import Copy
from noss.datasets._tars import Shards
from noss.errors import DataError

__all__ = ["CHOICE", "clips", "describe", "prepare"]

CHOICE = re.compile(r"(?P<source>.+\.(?:tar|tgz|tar\.\w+)|.*[*?{\[].*?)(?:/(?P<target>[^/*?{}\[\]]+))?")
_SHARD = re.compile(r".+\.(?:tar|tgz|tar\.(?:gz|bz2|xz))", re.IGNORECASE)


def prepare(choice: str, cache: Path) -> Path:
    """The folder of the cache that holds the shards' audio and its table.

    Raises:
        DataError: A shard is missing, is half of one, or holds something else than clips.
    """
    shards = _shards(choice)
    looks, num_bytes = _copies.files_stamp(shards)
    origin = Origin(part="webdataset", choice=choice, stamp=looks, num_bytes=num_bytes)
    return _copies.prepared(origin, cache, lambda copy: _fill(choice, copy, shards))


def _fill(choice: str, copy: Copy, shards: list[Path]) -> None:
    copy.title, copy.source = re.sub(r"\.t[^/]*$", "", Path(choice).absolute().name), choice
    splits = [_split(shard) for shard in shards]
    tars = Shards(copy)
    for shard, split in zip(shards, splits if all(splits) else [""] * len(shards), strict=True):
        tars.add(shard, split=split)
    tars.finish(choice)


def _split(shard: Path) -> str:
    """The word of a split that a shard's file name or folder begins with; empty where there is none."""
    words = [re.match("[A-Za-z]*", name) for name in (shard.name, shard.absolute().parent.name)]
    return next((word[0] for word in words if word and _rows.split(word[0])), "")


def _shards(choice: str) -> list[Path]:
    """The tar files a path, a folder or a pattern stands for, each once and in order.

    Raises:
        DataError: There is none, or one of those that braces name is missing.
    """
    path = Path(choice)
    if path.is_dir():
        found = sorted(inner for inner in path.rglob("*") if _SHARD.fullmatch(inner.name) and inner.is_file())
    else:
        found = [shard for name in ([choice] if path.exists() else expanded(choice)) for shard in _globbed(name)]
    missing = [shard for shard in found if not shard.is_file()]
    if len(missing) == len(found):
        raise DataError(f"there is no tar file {choice}: give one, a folder of them, or a pattern such as DIR/*.tar")
    if missing:
        raise DataError(
            f"{len(missing)} of {len(found)} shards of {choice} are missing, the first {missing[0]}: bring them"
        )
    return list(dict.fromkeys(found))


def _globbed(name: str) -> list[Path]:
    path = Path(name)
    if path.exists() or not re.search(r"[*?\[]", name):
        return [path]
    return sorted(Path(path.anchor or ".").glob(str(path.relative_to(path.anchor))))
