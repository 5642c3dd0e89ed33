"""Makes hear_mlp.json: what HEAR's own predictor (package heareval 2021.1.3) scores on a task made here.

It takes an environment of its own, as the kit pins packages of 2020 but runs with those of today::

    python3.11 -m venv kit
    kit/bin/pip install torch==2.13.0 "numpy<2" pandas scipy scikit-learn tensorflow-cpu==2.21.0 soundfile tqdm click
    kit/bin/pip install --no-deps heareval==2021.1.3 pytorch-lightning==1.9.5 lightning-utilities torchmetrics==1.4.0 \
        torchinfo more-itertools intervaltree sortedcontainers python-slugify text-unidecode sed-eval dcase-util pynvml \
        future python-magic pydot-ng validators==0.20 decorator
    TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD=1 kit/bin/python tests/golden/hear_mlp.py tests/golden/hear_mlp.json

The kit's functions are called as they are, with three changes that concern random numbers and logging only: every grid
point starts from the kit's seed (the kit lets one go on where the last one stopped), the summary printed of each network
draws no numbers, and the loaders draw theirs from a generator of their own.
"""

from __future__ import annotations

import functools
import json
import os
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

CLASSES = ("calm", "happy", "sad", "tired")
NUM = {"train": 1100, "valid": 300, "test": 300}
DIM = 16


def task() -> dict[str, tuple[Any, Any]]:
    """Embeddings (N, D) and class indices (N,) by split: four classes, two clouds each, that overlap."""
    rng = np.random.default_rng(2021)
    centres_KCD = 1.1 * rng.standard_normal((len(CLASSES), 2, DIM))
    made = {}
    for split, num in NUM.items():
        y_N = np.arange(num) % len(CLASSES)
        x_ND = centres_KCD[y_N, rng.integers(0, 2, num)] + 1.5 * rng.standard_normal((num, DIM))
        made[split] = (np.round(x_ND, 4).astype(np.float32), y_N)
    return made


def _write(folder: Path, metadata: dict[str, Any]) -> None:
    """The embeddings folder, as the kit's first step leaves it."""
    from heareval.embeddings.task_embeddings import memmap_embeddings

    (folder / "task_metadata.json").write_text(json.dumps(metadata))
    vocabulary = [f"{number},{name}" for number, name in enumerate(CLASSES)]
    (folder / "labelvocabulary.csv").write_text("\n".join(["idx,label", *vocabulary]) + "\n")
    prng = random.Random()
    prng.seed(0)
    for split, (x_ND, y_N) in task().items():
        (folder / split).mkdir()
        names = [f"{number:04d}.wav" for number in range(len(y_N))]
        labels = {name: [CLASSES[y]] for name, y in zip(names, y_N, strict=True)}
        for name, embedding_D in zip(names, x_ND, strict=True):
            np.save(folder / split / f"{name}.embedding.npy", embedding_D)
            (folder / split / f"{name}.target-labels.json").write_text(json.dumps(labels[name]))
        (folder / f"{split}.json").write_text(json.dumps(labels))
        memmap_embeddings(folder / split, prng, metadata, split, folder, labels)


def _scores(folder: Path, metadata: dict[str, Any]) -> list[dict[str, Any]]:
    import torch
    from heareval.predictions import task_predictions as kit
    from pytorch_lightning import seed_everything
    from sklearn.model_selection import ParameterGrid

    kit.torchinfo.summary = lambda *args, **kwargs: None
    kit.DataLoader = functools.partial(kit.DataLoader, generator=torch.Generator())
    seed_everything(42, workers=False)
    confs = list(ParameterGrid(kit.PARAM_GRID))
    random.shuffle(confs)
    vocabulary, num = kit.label_vocab_nlabels(folder)
    index = kit.label_vocab_as_dict(vocabulary, key="label", value="idx")
    scores = [kit.available_scores[name](label_to_idx=index) for name in metadata["evaluation"]]
    split = kit.get_splits_from_metadata(metadata)[0]
    shared = {"embedding_path": folder, "metadata": metadata, "data_splits": split, "label_to_idx": index}
    found = []
    for conf in confs[:8]:
        seed_everything(42, workers=False)
        more = {"scores": scores, "conf": conf, "use_scoring_for_early_stopping": True, "gpus": None}
        one = kit.task_predictions_train(
            **shared, **more, embedding_size=DIM, nlabels=num, in_memory=True, deterministic=True
        )
        tested = kit.task_predictions_test(**shared, grid_point=one, nlabels=num, in_memory=True)
        found.append(
            {
                "hidden_layers": conf["hidden_layers"],
                "initialization": conf["initialization"].__name__.removesuffix("_"),
                "lr": conf["lr"],
                "epoch": one.epoch,
                "validation": one.validation_score,
                "test": tested["test_top1_acc"],
            }
        )
    return found


def main() -> None:
    """Write the file."""
    metadata = {
        "task_name": "made",
        "embedding_type": "scene",
        "prediction_type": "multiclass",
        "split_mode": "trainvaltest",
        "splits": list(NUM),
        "evaluation": ["top1_acc"],
    }
    target = Path(sys.argv[1]).absolute()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        _write(Path(folder), metadata)
        found = _scores(Path(folder), metadata)
    source = "heareval 2021.1.3, heareval/predictions/task_predictions.py, run by tests/golden/hear_mlp.py"
    target.write_text(json.dumps({"source": source, "grid_points": found}, indent=2) + "\n")


if __name__ == "__main__":
    main()
