"""How fast `embed` is against what the processor allows, and against a loop over files; and how much memory it takes.

Run as `python benchmarks/embed.py` with `NOSS_DATA` set to a folder that holds `train/clips.csv` (real speech, lengths
mixed); without it, speech-like noise of the same lengths is made. The corpus is written as wav, FLAC and Opus.

The bound is what nobody can beat on this machine: CPU seconds of the bare model on ready batches, one thread, plus CPU
seconds of bare decoding and resampling, shared evenly by all cores. The floor is the wall time of that same bare work
on all cores at once, as cores that share units slow each other down. The loop is the library's own documented usage, one
file after the other, with the library's own threads. Wall times are those of a process that has imported torch.

    python benchmarks/embed.py --models logmel_stats yamnet --repeats 5
    python benchmarks/embed.py --models wav2vec2 --hours 0.1 --repeats 3
    python benchmarks/embed.py --memory
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import soundfile
import soxr
import torch
from numpy.typing import NDArray

from noss.audio import chunk, read
from noss.datasets import Clip
from noss.identity import clip_ids
from noss.pipeline._embed_buffer import Buffer, Chunk
from noss.pipeline._embed_machine import cores, device_name, spread
from noss.pipeline._embed_plan import Job, measure
from noss.pipeline._models import Model, open_model
from noss.pipeline.embed import embed_clips

FORMATS = {"wav": {"subtype": "PCM_16"}, "flac": {}, "opus": {"format": "OGG", "subtype": "OPUS"}}
Waveform = NDArray[np.float32]


def corpus(
    hours: float, *, sample_rate: int, folder: Path, formats: Sequence[str] = tuple(FORMATS)
) -> dict[str, list[Path]]:
    """The same speech in every format, so many hours of it."""
    found: dict[str, list[Path]] = {name: [] for name in formats}
    total_s = 0.0
    for number, waveform_T in enumerate(_speech(sample_rate)):
        total_s += len(waveform_T) / sample_rate
        for name in formats:
            path = folder / name / f"{number}.{'ogg' if name == 'opus' else name}"
            path.parent.mkdir(exist_ok=True)
            soundfile.write(path, waveform_T, sample_rate, **FORMATS[name])
            found[name].append(path)
        if total_s >= hours * 3600:
            break
    lengths = f"{total_s / 3600:.3f} h, {len(found[formats[0]])} clips"
    print(f"{lengths}, {'real speech' if os.environ.get('NOSS_DATA') else 'noise'} at {sample_rate} Hz")
    return found


def _speech(sample_rate: int) -> Iterator[Waveform]:
    generator = np.random.default_rng(0)
    root = Path(os.environ["NOSS_DATA"]) / "train" if "NOSS_DATA" in os.environ else None
    if root is None:
        while True:
            seconds = float(np.clip(generator.lognormal(1.2, 0.6), 0.5, 30))
            yield generator.normal(0, 0.1, int(seconds * sample_rate)).astype(np.float32)
    with (root / "clips.csv").open(encoding="utf-8") as file:
        rows = [row["file"] for row in csv.DictReader(file)]
    for index in generator.permutation(len(rows)):
        yield read.read(root / rows[index], sample_rate=sample_rate)[0]


def bare_decoding_s(paths: list[Path], sample_rate: int) -> float:
    """CPU seconds of soundfile and soxr, and nothing else."""
    began = time.process_time()
    for path in paths:
        waveform_T, rate = soundfile.read(path, dtype="float32")
        if rate != sample_rate:
            soxr.resample(waveform_T, rate, sample_rate, quality="HQ")
    return time.process_time() - began


def ready_batches(model: Model, paths: list[Path], batch_s: float) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """All audio in memory, cut, padded and batched by length."""
    card = model.card
    policy = chunk.Policy(window_s=card.window_s, min_s=card.min_s, padding=card.padding)
    whole = sorted((read.read(path, sample_rate=card.sample_rate)[0] for path in paths), key=len, reverse=True)
    pieces = [
        piece for waveform_T in whole for piece in chunk.cut(waveform_T, sample_rate=card.sample_rate, policy=policy)[0]
    ]
    buffer = Buffer(budget=round(batch_s * card.sample_rate), equal=not card.masks_padding)
    groups = [group for piece in pieces for group in buffer.add(Chunk(0, piece, 1))] + list(buffer.drain())
    return [_padded([one.waveform_T for one in group]) for group in groups]


def _padded(pieces: list[Waveform]) -> tuple[torch.Tensor, torch.Tensor]:
    lengths_B = torch.tensor([len(piece) for piece in pieces])
    waveform_BT = torch.zeros(len(pieces), int(lengths_B.max()))
    for row_T, piece in zip(waveform_BT, pieces, strict=True):
        row_T[: len(piece)] = torch.from_numpy(piece)
    return waveform_BT, lengths_B


def bare_model_s(embedder: Any, batches: list[tuple[torch.Tensor, torch.Tensor]]) -> float:
    """CPU seconds of the model on ready batches, on one thread."""
    torch.set_num_threads(1)
    began = time.process_time()
    with torch.inference_mode():
        for waveform_BT, lengths_B in batches:
            embedder(waveform_BT, lengths_B)
    taken = time.process_time() - began
    torch.set_num_threads(cores())
    return taken


def floor_s(model: Model, batches: list[tuple[torch.Tensor, torch.Tensor]], paths: list[Path]) -> float:
    """Wall seconds of bare decoding and the bare model, an even share in a process a core, all at once.

    More than the bound where cores share an arithmetic unit, a cache or the memory: nobody gets below this one.
    """
    context = multiprocessing.get_context("fork")
    gate = context.Barrier(cores() + 1)

    def work(share: int) -> None:
        torch.set_num_threads(1)  # the pool of threads that the parent had is not in a fork
        embedder = model.build()
        bare_model_s(embedder, batches[-2:])
        gate.wait()
        bare_decoding_s(paths[share :: cores()], model.card.sample_rate)
        bare_model_s(embedder, batches[share :: cores()])
        gate.wait()

    processes = [context.Process(target=work, args=(share,)) for share in range(cores())]
    for process in processes:
        process.start()
    gate.wait()
    began = time.perf_counter()
    gate.wait()
    taken = time.perf_counter() - began
    for process in processes:
        process.join()
    return taken


def noss_s(model: Model, paths: list[Path]) -> dict[str, float]:
    """Wall seconds of `embed_clips` with an empty store, hashing included, and where they went."""
    with tempfile.TemporaryDirectory() as cache:
        began, spent = time.perf_counter(), _cpu_s()
        clips = [Clip(path=path, labels={}) for path in paths]
        ids = clip_ids(clips, cache=Path(cache))
        hashed = time.perf_counter()
        done = embed_clips(model, clips, ids=ids, cache=Path(cache), progress=False)
        ended = time.perf_counter()
    assert not done.failures, done.failures[0]
    busy = done.store.speed()[0]
    return {"wall": ended - began, "CPU": _cpu_s() - spent, "hashing": hashed - began, "workers busy": busy}


def _cpu_s() -> float:
    """CPU seconds of this process and of its children that have ended: hardly moved by what else the machine does."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def headers_s(paths: list[Path]) -> float:
    """Wall seconds of reading every header, one after the other."""
    began = time.perf_counter()
    for path in paths:
        measure(Job(0, path, 0.0, None))
    return time.perf_counter() - began


def loop_logmel_stats(_: Path) -> Callable[[Path], Any]:
    """Librosa as its tutorial has it: load, melspectrogram, statistics."""
    import librosa

    def one(path: Path) -> Any:
        waveform_T, rate = librosa.load(path, sr=16_000)
        mel = librosa.power_to_db(librosa.feature.melspectrogram(y=waveform_T, sr=rate, n_mels=64))
        return np.concatenate([mel.mean(1), mel.std(1), np.percentile(mel, [10, 50, 90], axis=1).ravel()])

    return one


def loop_yamnet(_: Path) -> Callable[[Path], Any]:
    """The LiteRT interpreter as its guide has it: a window at a time, set_tensor, invoke, get_tensor."""
    import librosa
    from ai_edge_litert.interpreter import Interpreter

    path = Path(os.environ["NOSS_DATA"]) / "weights" / "yamnet" / "yamnet.tflite"
    interpreter = Interpreter(model_path=str(path), experimental_preserve_all_tensors=True, num_threads=cores())
    interpreter.allocate_tensors()
    (into,) = interpreter.get_input_details()
    name = "yamnet_frames/global_average_pooling2d/Mean"
    inner = {facts["name"]: facts["index"] for facts in interpreter.get_tensor_details()}[name]

    def one(path: Path) -> Any:
        waveform_T, _ = librosa.load(path, sr=16_000)
        starts = range(0, max(len(waveform_T) - 15_600, 0) + 7_680, 7_680)
        frames = []
        for start in starts:
            window_T = waveform_T[start : start + 15_600]
            interpreter.set_tensor(into["index"], np.pad(window_T, (0, 15_600 - len(window_T))).reshape(into["shape"]))
            interpreter.invoke()
            frames.append(interpreter.get_tensor(inner).ravel().copy())
        return np.mean(frames, axis=0)

    return one


def loop_wav2vec2(folder: Path) -> Callable[[Path], Any]:
    """Transformers as its model card has it: feature extractor, model, one file at a time."""
    import librosa
    from transformers import AutoFeatureExtractor, AutoModel

    extractor, model = AutoFeatureExtractor.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()

    def one(path: Path) -> Any:
        waveform_T, rate = librosa.load(path, sr=16_000)
        with torch.no_grad():
            return model(**extractor(waveform_T, sampling_rate=rate, return_tensors="pt")).last_hidden_state.mean(1)

    return one


def make_wav2vec2(folder: Path) -> str:
    """A wav2vec 2.0 base with random weights, saved to disk; gives its name."""
    from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2Model

    torch.manual_seed(0)
    Wav2Vec2Model(Wav2Vec2Config()).save_pretrained(folder)
    Wav2Vec2FeatureExtractor(return_attention_mask=False, do_normalize=True).save_pretrained(folder)
    return f"transformers/{folder}"


def loop_s(one: Callable[[Path], Any], paths: list[Path]) -> float:
    """Wall seconds of the loop."""
    began = time.perf_counter()
    for path in paths:
        one(path)
    return time.perf_counter() - began


def speed(names: list[str], arguments: argparse.Namespace, folder: Path) -> None:
    """Print a row a model and format: bound, wall, loop, ratios, and where the rest goes."""
    paths = corpus(arguments.hours, sample_rate=arguments.sample_rate, folder=folder)
    loops = {"logmel_stats": loop_logmel_stats, "yamnet": loop_yamnet, "wav2vec2": loop_wav2vec2}
    print(f"{device_name('cpu')}; load before: {os.getloadavg()[0]:.2f}; median of {arguments.repeats}; seconds")
    print(
        "| model | format | model CPU | decode CPU | bound | floor | noss | noss/bound | noss/floor | CPU ratio | loop "
        "| loop/noss | hash | headers | busy |"
    )
    print("|---" * 15 + "|")
    for name in names:
        weights = folder / "wav2vec2"
        model = open_model(make_wav2vec2(weights) if name == "wav2vec2" else name)
        batch_s = spread(model.card, workers=None, device="cpu", batch_s=None).batch_s
        batches = ready_batches(model, paths["wav"], batch_s)
        embedder, one = model.build(), loops[name](weights)
        bare_model_s(embedder, batches[-2:])
        one(paths["wav"][0])
        for kind in arguments.formats:
            row = _row(model, embedder, batches, one, paths[kind], arguments.repeats)
            bound = (row["model"] + row["decode"]) / cores()
            cells = [row["model"], row["decode"], bound, row["floor"], row["wall"]]
            cells += [row["wall"] / bound, row["wall"] / row["floor"], row["CPU"] / bound / cores()]
            cells += [row["loop"], row["loop"] / row["wall"], row["hashing"], row["headers"], row["workers busy"]]
            print(f"| {name} | {kind} | {' | '.join(f'{cell:.2f}' for cell in cells)} |", flush=True)


def _row(
    model: Model, embedder: Any, batches: list[Any], one: Callable[[Path], Any], paths: list[Path], repeats: int
) -> dict[str, float]:
    """Medians of all measurements, made in turns."""
    rounds: list[dict[str, float]] = []
    for _ in range(repeats):
        taken = {"model": bare_model_s(embedder, batches), "decode": bare_decoding_s(paths, model.card.sample_rate)}
        taken |= {"floor": floor_s(model, batches, paths)}
        taken |= noss_s(model, paths)
        taken |= {"headers": headers_s(paths), "loop": loop_s(one, paths)}
        rounds.append(taken)
    return {key: statistics.median(taken[key] for taken in rounds) for key in rounds[0]}


def memory(folder: Path, model: str) -> None:
    """Print the peak memory of all processes while 10,000 and 100,000 clips are embedded."""
    print(f"{device_name('cpu')}; {model}; peak of resident memory over all processes, a shared page counted once")
    peaks = [_peak_mb(folder / str(num), num, model) for num in (10_000, 100_000)]
    print(
        f"10,000 clips: {peaks[0]:.0f} MB; 100,000 clips: {peaks[1]:.0f} MB; {100 * (peaks[1] / peaks[0] - 1):+.1f} %"
    )


def _peak_mb(folder: Path, num: int, model: str) -> float:
    folder.mkdir()
    for number, waveform_T in enumerate(np.random.default_rng(0).uniform(-0.1, 0.1, (num, 1600)).astype(np.float32)):
        soundfile.write(folder / f"{number}.wav", waveform_T, 16_000)
    child = subprocess.Popen([sys.executable, __file__, "--embed-folder", str(folder), "--models", model])
    watched, peak = psutil.Process(child.pid), [0.0]
    watcher = threading.Thread(target=_watch, args=(watched, peak))
    watcher.start()
    status = child.wait()
    watcher.join()
    assert status == 0, f"embedding {num} clips ended with status {status}"
    return peak[0]


def _watch(process: psutil.Process, peak: list[float]) -> None:
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        total = 0
        for one in [process, *process.children(recursive=True)]:
            try:
                total += one.memory_full_info().pss
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        peak[0] = max(peak[0], total / 1e6)
        time.sleep(0.05)


def embed_folder(folder: Path, name: str) -> None:
    """What the memory of is measured: one embedding run."""
    with tempfile.TemporaryDirectory() as cache:
        clips = [Clip(path=folder / name, labels={}) for name in os.listdir(folder)]  # noqa: PTH208
        began = time.perf_counter()
        ids = clip_ids(clips, cache=Path(cache))
        done = embed_clips(open_model(name), clips, ids=ids, cache=Path(cache), progress=False)
        print(f"{done.newly_embedded} clips in {time.perf_counter() - began:.1f} s", flush=True)


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["logmel_stats", "yamnet", "wav2vec2"])
    parser.add_argument("--formats", nargs="+", default=list(FORMATS))
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--sample-rate", type=int, default=16_000)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--embed-folder", type=Path)
    arguments = parser.parse_args()
    if arguments.embed_folder:
        embed_folder(arguments.embed_folder, arguments.models[0])
        return
    with tempfile.TemporaryDirectory() as folder:
        if arguments.memory:
            memory(Path(folder), arguments.models[0])
        else:
            speed(arguments.models, arguments, Path(folder))


if __name__ == "__main__":
    main()
