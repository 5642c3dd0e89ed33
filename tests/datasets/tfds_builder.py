"""The real builders of TensorFlow Datasets, run over a miniature: what they put into which split, under which label.

A builder runs in a process of its own, because TensorFlow is slow to import and registers protocol buffers for good. It
is given what `built` was given: files in place of downloads, and no network. It splits, labels, checks and writes its
records as always, and they are read back through TensorFlow. Only sound is not stored: in its place stands the example's
number, so that a record read back tells its key. Builders that decode sound while they list examples read it with
soundfile, which needs no FFmpeg. Builders that list examples with Beam do so in this process, one by one.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

Record = tuple[str, str, str | None]


def built(
    builder: str, *, data_dir: Path, manual_dir: Path | None = None, downloads: Mapping[str, Path] | None = None
) -> dict[str, list[Record]]:
    """Key, name of the label and speaker of every example, sorted by key, by the builder's name of the split.

    The test is skipped where TensorFlow Datasets is not installed.

    Args:
        builder: Its name in the catalogue, `crema_d`.
        data_dir: An empty folder for what it writes.
        manual_dir: What it takes for the user's own downloads.
        downloads: The file it gets for each address it asks for; any other address is an error.
    """
    if not all(map(importlib.util.find_spec, ("tensorflow", "tensorflow_datasets"))):
        pytest.skip("TensorFlow Datasets is not installed: pip install noss[tfds]")
    data_dir.mkdir(parents=True, exist_ok=True)
    order, answer = data_dir / "order.json", data_dir / "answer.json"
    files = {url: str(path) for url, path in (downloads or {}).items()}
    asked = {"builder": builder, "data_dir": str(data_dir), "manual_dir": str(manual_dir or data_dir), "files": files}
    order.write_text(json.dumps(asked))
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    done = subprocess.run(
        [sys.executable, __file__, order, answer],
        capture_output=True,
        text=True,
        env={**os.environ, **quiet},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    return {
        split: [(key, label, who) for key, label, who in rows] for split, rows in json.loads(answer.read_text()).items()
    }


def _build(order: Mapping[str, Any]) -> dict[str, list[Record]]:
    """Prepare and read back."""
    sys.modules |= {"pydub": _decoder(), "apache_beam": _beam()}
    import tensorflow_datasets as tfds

    tfds.disable_progress_bar()
    _keep_off_the_network(tfds.download.DownloadManager, order["files"])
    builder = tfds.builder(order["builder"], data_dir=order["data_dir"])
    keys: list[str] = []
    generate = builder._generate_examples

    def numbered(*args: Any, **kwargs: Any) -> Iterator[tuple[Any, dict[str, Any]]]:
        for key, example in generate(*args, **kwargs):
            keys.append(str(key))
            yield key, {**example, "audio": [len(keys) - 1]}

    builder._generate_examples = numbered
    config = tfds.download.DownloadConfig(manual_dir=order["manual_dir"], try_download_gcs=False)
    builder.download_and_prepare(download_config=config)
    name = builder.info.features["label"].int2str
    return {
        split: sorted(
            (keys[int(example["audio"][0])], name(int(example["label"])), _speaker(example))
            for example in tfds.as_numpy(builder.as_dataset(split=split))
        )
        for split in builder.info.splits
    }


def _speaker(example: Mapping[str, Any]) -> str | None:
    return example["speaker_id"].decode() if "speaker_id" in example else None


def _keep_off_the_network(manager: Any, files: Mapping[str, str]) -> None:
    def download(_: Any, urls: Any) -> Any:
        if isinstance(urls, dict):
            return {name: download(_, url) for name, url in urls.items()}
        return files[urls] if isinstance(urls, str) else [download(_, url) for url in urls]

    manager.download = download
    manager.download_and_extract = lambda self, urls: self.extract(download(self, urls))
    manager.download_checksums = lambda _, url: None


def _decoder() -> types.ModuleType:
    """What builders use of pydub, by soundfile."""
    import soundfile

    class Segment:
        @classmethod
        def from_file(cls, file: Any, format: str) -> Segment:
            segment = cls()
            segment.samples_T, _ = soundfile.read(file, dtype="int16")
            return segment

        def get_array_of_samples(self) -> Any:
            return self.samples_T

    module = types.ModuleType("pydub")
    failure = types.SimpleNamespace(CouldntDecodeError=soundfile.LibsndfileError)
    module.__dict__.update(AudioSegment=Segment, exceptions=failure)
    return module


def _beam() -> types.ModuleType:
    """What builders use of Beam, worked off in place."""

    class Items:
        def __init__(self, items: Iterable[Any]) -> None:
            self.items = items

        def __or__(self, step: Callable[[Iterable[Any]], Iterable[Any]]) -> Items:
            return Items(step(self.items))

        def __iter__(self) -> Iterator[Any]:
            return iter(self.items)

    def flat_map(function: Callable[..., Iterable[Any]], **kwargs: Any) -> Callable[[Iterable[Any]], Iterable[Any]]:
        return lambda items: (made for item in items for made in function(item, **kwargs))

    module = types.ModuleType("apache_beam")
    module.__dict__.update(
        Create=lambda items: lambda _: items,
        FlatMap=flat_map,
        ptransform_fn=lambda function: lambda **kwargs: function(Items(()), **kwargs),
    )
    return module


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(_build(json.loads(Path(sys.argv[1]).read_text()))))
