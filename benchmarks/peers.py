"""How long it takes to embed a corpus: `noss` beside the library's own loop, HEAR's, MTEB's, nkululeko's and openSMILE's ways.

    python benchmarks/peers.py --envs /somewhere/large
    python benchmarks/peers.py --models yamnet --hours 0.02 --check
    python benchmarks/peers.py --mel

Run with `NOSS_DATA` set to a folder that holds `train/clips.csv` (real speech, lengths mixed) and `weights`; without it,
speech-like noise is made. The clips are written as wav at 16 kHz. wav2vec2 and whisper are of the base size with random
weights, saved to disk.

Each way runs in a process of its own, imports and the loading of the model left out; the time of `noss` is that of
`benchmarks/embed.py`: hashing, headers, starting workers, a model in each, and the store included. Before every run of
a peer, `noss` runs, and seconds are medians. The bound is that of `benchmarks/embed.py`, measured once a model, after the rounds.
HEAR's kit does not install on today's Python, so its runner is rebuilt: its files are all of one length, the 95th
percentile of the corpus rounded up to a tenth of a second, and writing them is not timed. nkululeko is installed in an
environment below `--envs`, once; it has no extractor for YAMNet, BYOL-S and log-mel statistics.

`--check` compares vectors in place of times: those of every way with those of `noss`, on the files that the way reads.
`--mel` times the log-mel front ends of TRILL and TRILLsson on one thread, beside librosa and as a share of the models.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import venv
from importlib import metadata
from pathlib import Path
from typing import Any

import embed
import numpy as np
import soundfile
from numpy.typing import NDArray

from noss.datasets import Clip
from noss.identity import clip_ids
from noss.pipeline._embed_machine import cores, device_name, spread
from noss.pipeline._models import Model, open_model
from noss.pipeline.embed import embed_clips

HERE = Path(__file__).parent
RATE = 16_000
NAMES = {"logmel_stats": "logmel_stats", "yamnet": "yamnet", "byol_s": "byol_s", "opensmile": "opensmile/egemaps"}
MODELS = ["logmel_stats", "yamnet", "byol_s", "wav2vec2", "whisper", "opensmile"]
WAYS = ["loop", "hear", "mteb", "nkululeko", "opensmile", "opensmile_processes"]
TAKES = {
    "loop": MODELS,
    "hear": MODELS,
    "mteb": MODELS[:-1],
    "nkululeko": MODELS[3:],
    "opensmile": MODELS[-1:],
    "opensmile_processes": MODELS[-1:],
}


class Peer:
    """A way of embedding, waiting in a process of its own with its model loaded."""

    def __init__(self, way: str, model: str, *, python: str, weights: Path, folder: Path) -> None:
        self.way, self._folder = way, folder
        log = (folder / f"{way}.log").open("w")
        command = [python, str(HERE / "_peer.py"), way, model, str(weights), str(folder)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": log, "text": True}
        self._process: Any = subprocess.Popen(command, cwd=folder, **pipes)
        self._answer()

    def run(self) -> dict[str, float]:
        """Wall and CPU seconds of embedding everything once."""
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._answer()

    def rows(self) -> NDArray[np.float32]:
        """The vectors (N, D) of the last run."""
        return np.load(self._folder / f"{self.way}.npy")

    def close(self) -> None:
        """End the process."""
        self._process.stdin.close()
        self._process.wait()

    def _answer(self) -> dict[str, float]:
        line = self._process.stdout.readline()
        if not line:
            last = (self._folder / f"{self.way}.log").read_text(encoding="utf-8").splitlines()[-12:]
            raise SystemExit(f"the peer {self.way} ended with status {self._process.wait()}:\n" + "\n".join(last))
        return json.loads(line)


def environment(folder: Path) -> str:
    """The Python of an environment with nkululeko, made on first use with this environment's version of torch.

    The wheel of torchaudio is built for CUDA; beside a torch without it, its compiled part is taken out.
    """
    place = folder / "nkululeko"
    python = place / "bin" / "python"
    if not (place / "done").is_file():
        venv.create(place, with_pip=True, clear=True)
        pip = [str(python), "-m", "pip", "install", "--quiet"]
        torch_version = metadata.version("torch").partition("+")[0]
        subprocess.run([*pip, f"torch=={torch_version}", "nkululeko"], check=True)
        subprocess.run([*pip, "--no-deps", "torchaudio"], check=True)
        if subprocess.run([python, "-c", "import torchaudio"], capture_output=True, check=False).returncode:
            for library in place.glob("lib/python*/site-packages/torchaudio/lib/*.so"):
                library.unlink()
        (place / "done").touch()
    return str(python)


def make_whisper(folder: Path) -> str:
    """A Whisper of the base size with random weights, saved to disk; gives its name."""
    import torch
    from transformers import WhisperConfig, WhisperFeatureExtractor, WhisperModel

    torch.manual_seed(0)
    size = {"d_model": 512, "encoder_layers": 6, "decoder_layers": 6, "encoder_ffn_dim": 2048, "decoder_ffn_dim": 2048}
    heads = {"encoder_attention_heads": 8, "decoder_attention_heads": 8}
    WhisperModel(WhisperConfig(**size, **heads)).save_pretrained(folder)
    WhisperFeatureExtractor().save_pretrained(folder)
    return f"transformers/{folder}"


def opened(name: str, weights: Path) -> Model:
    """A model of this benchmark; weights that are drawn at random are written first."""
    if name in NAMES:
        return open_model(NAMES[name])
    return open_model((make_whisper if name == "whisper" else embed.make_wav2vec2)(weights))


def write_equal(paths: list[Path], folder: Path) -> float:
    """Write what HEAR's corpora look like, all clips cut or padded to one length; gives it in seconds."""
    lengths_s = [soundfile.info(str(path)).duration for path in paths]
    seconds = float(np.ceil(10 * np.percentile(lengths_s, 95)) / 10)
    samples = round(seconds * RATE)
    (folder / "equal").mkdir()
    for path in paths:
        waveform_T = soundfile.read(path, frames=samples, dtype="float32")[0]
        soundfile.write(folder / "equal" / path.name, np.pad(waveform_T, (0, samples - len(waveform_T))), RATE)
    print(f"HEAR: every clip {seconds} s long, {seconds * len(paths) / sum(lengths_s):.2f} times the audio")
    return seconds


def bound_s(model: Model, paths: list[Path]) -> float:
    """CPU seconds of the bare model and of bare decoding, over the cores."""
    batches = embed.ready_batches(model, paths, spread(model.card, workers=None, device="cpu", batch_s=None).batch_s)
    embedder = model.build()
    embed.bare_model_s(embedder, batches[-2:])
    return (embed.bare_model_s(embedder, batches) + embed.bare_decoding_s(paths, RATE)) / cores()


def time_model(model: Model, peers: list[Peer], paths: list[Path], repeats: int) -> dict[str, list[dict[str, float]]]:
    """All measurements, `noss` before every run of a peer."""
    taken: dict[str, list[dict[str, float]]] = {peer.way: [] for peer in peers} | {"noss": []}
    for _ in range(repeats):
        for peer in peers:
            taken["noss"].append(embed.noss_s(model, paths))
            taken[peer.way].append(peer.run())
            assert np.isfinite(peer.rows()).all(), f"{peer.way} gave numbers that are not finite"
    return taken


def row(name: str, bound: float, taken: dict[str, list[dict[str, float]]], what: str) -> str:
    """A line of the table: seconds of `noss`, over the bound, and of every way, over `noss`."""
    middle = {way: statistics.median(one[what] for one in runs) for way, runs in taken.items() if runs}
    ours = middle["noss"]
    cells = [f"{bound:.2f}", f"{ours:.2f}", f"{ours / bound / (cores() if what == 'CPU' else 1):.2f}"]
    cells += [f"{middle[way]:.2f} ({middle[way] / ours:.2f})" if way in middle else "-" for way in WAYS]
    return f"| {name} | {' | '.join(cells)} |"


def vectors(model: Model, paths: list[Path]) -> NDArray[np.float32]:
    """What `noss` gives (N, D)."""
    with tempfile.TemporaryDirectory() as cache:
        clips = [Clip(path=path, labels={}) for path in paths]
        ids = clip_ids(clips, cache=Path(cache))
        done = embed_clips(model, clips, ids=ids, cache=Path(cache), progress=False)
        assert not done.failures, done.failures[0]
        return np.array(done.store.lookup([str(name) for name in done.ids])[:, 0])


def check(name: str, model: Model, peers: list[Peer], paths: list[Path], folder: Path) -> None:
    """Print a row a way: dimension, finite or not, lowest and median cosine with `noss` where dimensions are equal."""
    ours = {"": vectors(model, paths), "hear": vectors(model, [folder / "equal" / path.name for path in paths])}
    for peer in peers:
        peer.run()
        theirs, own = peer.rows().astype(np.float64), ours.get(peer.way, ours[""]).astype(np.float64)
        told = "other features"
        if theirs.shape == own.shape:
            cosine_N = (theirs * own).sum(1) / np.linalg.norm(theirs, axis=1) / np.linalg.norm(own, axis=1)
            told = f"{cosine_N.min():.6f}, {np.median(cosine_N):.6f}"
        spread_D = theirs.std(axis=0).mean()
        print(
            f"| {name} | {peer.way} | {theirs.shape} | {np.isfinite(theirs).all()} | {spread_D:.3g} | {told} |",
            flush=True,
        )


def compare(given: argparse.Namespace, folder: Path) -> None:
    """Every model by every way: times, or with `--check` vectors."""
    paths = embed.corpus(given.hours, sample_rate=RATE, folder=folder, formats=["wav"])["wav"]
    (folder / "paths.txt").write_text("\n".join(map(str, paths)), encoding="utf-8")
    write_equal(paths, folder)
    pythons = dict.fromkeys(WAYS, sys.executable)
    if given.envs:
        pythons["nkululeko"] = environment(given.envs.absolute())
        print("nkululeko: its torchaudio reads by soundfile where torchcodec, which wants FFmpeg, cannot be loaded")
    ways = [way for way in given.ways if way != "nkululeko" or given.envs]
    print(
        f"{device_name('cpu')}; load before: {os.getloadavg()[0]:.2f}; median of {given.repeats}; seconds of {given.what}"
    )
    columns = ["model", "way", "shape", "finite", "deviation", "cosine to noss: lowest, median"]
    if not given.check:
        columns = ["model", "bound", "noss", "noss/bound", *(f"{way} (/ noss)" for way in WAYS)]
    print(f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|")
    for name in given.models:
        weights = folder / name
        model = opened(name, weights)
        peers = [
            Peer(way, name, python=pythons[way], weights=weights, folder=folder) for way in ways if name in TAKES[way]
        ]
        if given.check:
            check(name, model, peers, paths, folder)
        else:
            taken = time_model(model, peers, paths, given.repeats)
            print(row(name, bound_s(model, paths), taken, given.what), flush=True)
        for peer in peers:
            peer.close()


def mel(given: argparse.Namespace, folder: Path) -> None:
    """The front ends beside librosa, and beside the neural models of this benchmark and of the shelf."""
    import _peer_mel

    paths = embed.corpus(given.hours, sample_rate=RATE, folder=folder, formats=["wav"])["wav"]
    neural = [name for name in given.models if name in MODELS[1:-1]]
    places = {name: opened(name, folder / name).name for name in neural}
    _peer_mel.compare(places, paths, repeats=given.repeats)


def main() -> None:
    """Measure what the command line asks for."""
    sys.path.append(sys.path.pop(0))  # this folder holds a datasets.py, which is not the package
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--envs", type=Path, help="folder for environments; without it nkululeko is left out")
    parser.add_argument("--what", choices=["wall", "CPU"], default="wall", help="CPU seconds are hardly moved by load")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--mel", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if given.mel:
            mel(given, Path(folder))
        else:
            compare(given, Path(folder))


if __name__ == "__main__":
    main()
