"""The ways in which others embed a list of files, each as it documents or runs it.

Every function here takes a model's name, its weights and a folder to write in, loads the model, and gives a function of
paths that returns a vector a file. What a way needs is imported inside it, as not all stand in one environment.

Source: hearbenchmark/hear-eval-kit, `heareval/embeddings/task_embeddings.py`; mteb 2, `abstasks/classification.py` and
`models/model_implementations`; nkululeko 1, `feat_extract`; GasserElbanna/serab-byols, `serab_byols/utils.py`; the
documentation of librosa, LiteRT, transformers and opensmile.
"""

from __future__ import annotations

import json
import os
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

RATE = 16_000
Rows = Any
Embed = Callable[[list[Path]], Rows]


def loop(model: str, weights: Path, _: Path) -> Embed:
    """The library's own documented usage, one file after the other, with its own threads."""
    import _peer_loops

    one = _peer_loops.LOOPS[model](weights)
    return lambda paths: [np.asarray(one(path)).ravel() for path in paths]


def hear(model: str, weights: Path, folder: Path) -> Embed:
    """The HEAR kit's runner: files of one length in batches, a .npy and labels a file, then all in one memory map.

    The kit's corpora come cut and padded to one length, so making these files is not part of the time.
    """
    import torch

    embedder = _embedder(model, weights)
    equal, out = folder / "equal", folder / "hear"
    out.mkdir(exist_ok=True)
    samples = soundfile.info(str(next(equal.iterdir()))).frames
    batch_size = max(1, int(0.9 * 120 * RATE / samples))

    class Files(torch.utils.data.Dataset[Any]):
        def __init__(self, names: list[str]) -> None:
            self.names = names

        def __len__(self) -> int:
            return len(self.names)

        def __getitem__(self, place: int) -> tuple[Any, str]:
            return soundfile.read(str(equal / self.names[place]), dtype="float32")[0], self.names[place]

    def embed(paths: list[Path]) -> Rows:
        names = [path.name for path in paths]
        for waveform_BT, batch in torch.utils.data.DataLoader(Files(names), batch_size=batch_size):
            with torch.no_grad():
                rows_BD = _means(embedder, waveform_BT, torch.full((len(batch),), samples)).numpy()
            for name, row_D in zip(batch, rows_BD, strict=True):
                np.save(out / f"{name}.embedding.npy", row_D)
                (out / f"{name}.target-labels.json").write_text(json.dumps(["label"]), encoding="utf-8")
        return _one_map(out, names)

    return embed


def _one_map(out: Path, names: list[str]) -> Rows:
    """The kit's second pass: every file is read for its size, then read again into one memory map, with its labels."""
    dims = [np.load(out / f"{name}.embedding.npy").astype(np.float32).shape[0] for name in names]
    rows_ND = np.memmap(out / "all.embeddings.npy", dtype=np.float32, mode="w+", shape=(len(dims), dims[0]))
    for place, name in enumerate(names):
        rows_ND[place] = np.load(out / f"{name}.embedding.npy")
        json.loads((out / f"{name}.target-labels.json").read_text(encoding="utf-8"))
    rows_ND.flush()
    return rows_ND


def mteb(model: str, weights: Path, _: Path) -> Embed:
    """MTEB's own data loader in batches of 32, and the `encode` of its own model where it has it, else of a wrapper.

    Files are read by soundfile, which is faster than the torchcodec that MTEB's corpora ask for and needs no FFmpeg.
    """
    import mteb as package
    from mteb._create_dataloaders import create_dataloader

    from datasets import Dataset

    task = package.get_tasks(modalities=["audio"])[0].metadata
    encoder = _mteb_encoder(model, weights)
    sys.modules.setdefault("torchaudio", _torchaudio())  # last, as transformers asks whether it is there

    def read(rows: dict[str, list[str]]) -> dict[str, list[dict[str, Any]]]:
        clips = [soundfile.read(path, dtype="float32") for path in rows["audio"]]
        return {"audio": [{"array": waveform_T, "sampling_rate": rate} for waveform_T, rate in clips]}

    def embed(paths: list[Path]) -> Rows:
        dataset = Dataset.from_dict({"audio": [str(path) for path in paths]}).with_transform(read)
        loader = create_dataloader(dataset, task_metadata=task, input_column="audio", batch_size=32)
        return encoder.encode(loader, task_metadata=task, hf_split="test", hf_subset="default", show_progress_bar=False)

    return embed


def _torchaudio() -> types.ModuleType:
    """The real one where it can be imported, else an empty one: MTEB imports it always and calls it for other rates."""
    try:
        import torchaudio
    except (ImportError, OSError):
        return types.ModuleType("torchaudio")
    return torchaudio


def _mteb_encoder(model: str, weights: Path) -> Any:
    """MTEB's model for the weights."""
    from mteb.models.abs_encoder import AbsEncoder
    from mteb.models.modality_collators import AudioCollator

    if model == "wav2vec2":
        from mteb.models.model_implementations.wav2vec2_models import Wav2Vec2AudioWrapper

        return Wav2Vec2AudioWrapper(str(weights), "main", device="cpu")
    if model == "whisper":
        return _mteb_whisper(weights)
    import torch

    embedder, together = _embedder(model, weights), model == "byol_s"

    class Wrapper(AbsEncoder):
        """What MTEB has no model for: its collator, then clip by clip, as its YAMNet, or padded where padding is masked."""

        def get_audio_embeddings(self, inputs: Any, **_: Any) -> Any:
            inputs.collate_fn = AudioCollator(target_sampling_rate=RATE)
            rows = []
            for batch in inputs:
                clips = [torch.as_tensor(np.asarray(clip["array"])) for clip in batch["audio"]]
                for group in [clips] if together else [[clip] for clip in clips]:
                    lengths_B = torch.tensor([len(clip) for clip in group])
                    with torch.no_grad():
                        rows.append(
                            _means(embedder, torch.nn.utils.rnn.pad_sequence(group, batch_first=True), lengths_B)
                        )
            return torch.cat(rows).numpy()

        def encode(self, inputs: Any, **options: Any) -> Any:
            return self.get_audio_embeddings(inputs, **options)

    return Wrapper()


def _mteb_whisper(weights: Path) -> Any:
    """MTEB's Whisper, whose tokenizer, which it never uses, the weights here do not have."""
    from mteb.models.model_implementations.whisper_models import WhisperAudioWrapper
    from transformers import WhisperFeatureExtractor, WhisperModel

    class Whisper(WhisperAudioWrapper):
        def __init__(self) -> None:
            self.model_name, self.device, self.max_audio_length_seconds = str(weights), "cpu", 30.0
            self.model = WhisperModel.from_pretrained(weights).eval()
            self.processor = WhisperFeatureExtractor.from_pretrained(weights)
            self.sampling_rate = self.processor.sampling_rate

    return Whisper()


def nkululeko(model: str, weights: Path, folder: Path) -> Embed:
    """Nkululeko's own extractor: file by file, then a pickled table; openSMILE's in as many jobs as there are cores."""
    import configparser

    import audformat
    import pandas as pd
    from nkululeko import glob_conf

    feats = {"wav2vec2.model": str(weights), "no_reuse": "True", "set": "eGeMAPSv02"}
    config = configparser.ConfigParser()
    config.read_dict(
        {
            "EXP": {"root": str(folder), "name": "nkululeko"},
            "DATA": {},
            "FEATS": feats,
            "MODEL": {"device": "cpu", "n_jobs": str(os.cpu_count())},
        }
    )
    glob_conf.init_config(config)
    make = _nkululeko_extractor(model, weights)

    def embed(paths: list[Path]) -> Rows:
        ends = pd.to_timedelta([soundfile.info(str(path)).duration for path in paths], unit="s")
        index = audformat.segmented_index([str(path) for path in paths], [pd.Timedelta(0)] * len(paths), ends)
        extractor = make(pd.DataFrame(index=index))
        extractor.extract()
        return extractor.df.to_numpy()

    return embed


def _nkululeko_extractor(model: str, weights: Path) -> Callable[[Any], Any]:
    """A function of a table of files that gives the extractor with its weights loaded."""
    if model == "opensmile":
        from nkululeko.feat_extract.feats_opensmile import Opensmileset

        return lambda table: Opensmileset("peer", table, "os")
    if model == "whisper":
        from nkululeko.feat_extract.feats_whisper import Whisper as Extractor
        from transformers import AutoFeatureExtractor, WhisperModel

        loaded = {
            "model": WhisperModel.from_pretrained(weights).eval(),
            "feature_extractor": AutoFeatureExtractor.from_pretrained(weights),
            "model_initialized": True,
        }
    else:
        from nkululeko.feat_extract.feats_wav2vec2 import Wav2vec2 as Extractor

        _soundfile_for_torchcodec()
        first = Extractor("peer", None, "wav2vec2-base")
        first.init_model()
        loaded = {name: getattr(first, name) for name in ("model", "processor", "model_initialized")}

    def make(table: Any) -> Any:
        extractor = Extractor("peer", table, "whisper" if model == "whisper" else "wav2vec2-base")
        vars(extractor).update(loaded)
        return extractor

    return make


def _soundfile_for_torchcodec() -> None:
    """Let torchaudio read by soundfile where torchcodec, which wants FFmpeg, cannot be loaded."""
    import torch
    import torchaudio

    try:
        import torchcodec  # noqa: F401
    except (ImportError, OSError, RuntimeError):

        def load(path: str, frame_offset: int, num_frames: int, normalize: bool) -> tuple[Any, int]:
            waveform_T, rate = soundfile.read(path, frames=num_frames, start=frame_offset, dtype="float32")
            return torch.from_numpy(waveform_T)[None], rate

        torchaudio.load = load


def opensmile(_: str, __: Path, ___: Path) -> Embed:
    """OpenSMILE's own parallel processing of files, a thread a core."""
    return _smile(multiprocessing=False)


def opensmile_processes(_: str, __: Path, ___: Path) -> Embed:
    """The same with a process a core."""
    return _smile(multiprocessing=True)


def _smile(*, multiprocessing: bool) -> Embed:
    import opensmile as package

    smile = package.Smile(
        package.FeatureSet.eGeMAPSv02,
        package.FeatureLevel.Functionals,
        num_workers=len(os.sched_getaffinity(0)),
        multiprocessing=multiprocessing,
    )
    return lambda paths: smile.process_files([str(path) for path in paths]).to_numpy()


def _embedder(model: str, weights: Path) -> Any:
    """This project's embedder of the weights on all cores, for ways that bring a runner and no model."""
    from noss import shelf

    options = {"threads": len(os.sched_getaffinity(0))} if model == "yamnet" else {}
    choices = {"wav2vec2": str(weights), "whisper": str(weights), "opensmile": "egemaps"}
    part, choice = "transformers" if model in ("wav2vec2", "whisper") else model, choices.get(model, "")
    return shelf.load("models", part).build(choice, **options)


def _means(embedder: Any, waveform_BT: Any, lengths_B: Any) -> Any:
    """Vectors (B, D): the mean over the frames of each clip."""
    import torch

    frames_BLSD, frame_lengths_B = embedder(waveform_BT, lengths_B)
    frames_BSD = frames_BLSD[:, 0]
    within_BS1 = (torch.arange(frames_BSD.shape[1]) < frame_lengths_B[:, None])[..., None]
    return frames_BSD.masked_fill(~within_BS1, 0.0).sum(dim=1) / frame_lengths_B[:, None]
