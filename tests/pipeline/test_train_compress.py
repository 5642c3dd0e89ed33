"""Compression while training: what is kept is really smaller, is what was trained, and is rebuilt from its files."""

from __future__ import annotations

import copy
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from torch import nn
from torch.nn import functional

import noss
from noss.errors import DataError, NossError
from noss.models._compressed import load_compressed
from noss.pipeline import _train_checkpoint
from noss.pipeline._train_compress import Compression
from noss.pipeline._train_compress_settings import LowRank, Prune, read_compress
from noss.pipeline._train_compress_weights import inside, original
from noss.pipeline._train_log import read_log
from noss.pipeline._train_spread import average_of
from noss.pipeline.train import train

RECIPE: dict[str, Any] = {
    "student": "audiontt/512",
    "objective": "triplet",
    "steps": 6,
    "crop_s": 0.3,
    "batch_size": 8,
    "validate_every": 2,
    "validation": 0.3,
    "validation_batches": 1,
    "schedule": "constant",
}
LAYERS = ["net.fc.0", "net.fc.3"]


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty tones in noise, each of another colour, of half a second."""
    folder = tmp_path_factory.mktemp("speech")
    generator = np.random.default_rng(0)
    for number in range(20):
        tone = np.sin(np.arange(8_000) * (0.05 + 0.01 * number))
        soundfile.write(folder / f"{number:02d}.wav", 0.1 * (tone + 0.2 * generator.standard_normal(8_000)), 16_000)
    return folder


def go(folder: Path, speech: Path, compress: Any, **changes: Any) -> Any:
    folder.mkdir(exist_ok=True)
    path = folder / "recipe.py"
    given = RECIPE | {"data": [str(speech)], "compress": compress} | changes
    path.write_text(f"RECIPE = {given!r}\n", encoding="utf-8")
    return train(path, out=folder / "run", device="cpu", workers=0)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    last = _train_checkpoint.checkpoints(folder / "run" / "checkpoints")[-1]
    return _train_checkpoint.tensors(last / "objective.safetensors")


class Net(nn.Module):
    """Two linear layers with room between them, and one behind."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.fc = nn.Sequential(nn.Linear(12, 16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 8))
        self.conv = nn.Conv1d(8, 6, 1)

    def forward(self, frames_BSD: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.conv(self.fc(frames_BSD).transpose(1, 2))
        return found


class Whole(nn.Module):
    """Stands for an objective around the net."""

    def __init__(self, student: nn.Module) -> None:
        super().__init__()
        self.student = student


def rebuilt(made: Compression, net: nn.Module) -> nn.Module:
    other = Net().eval()
    load_compressed(other, made.kept(net), made.record)
    return other


def test_thin_matrices_that_are_kept_give_what_the_training_module_gives() -> None:
    net, frames_BSD = Net(), torch.randn(2, 5, 12)
    made = Compression(net, LowRank(layers=["fc", "conv"], rank=3, begin=1, end=1))
    made.before_step(1, Whole(net), None, folder=None)
    other = rebuilt(made, net)
    thin: Any = other.get_submodule("fc.3")
    assert torch.allclose(net.train().get_submodule("fc.3")(torch.ones(16)), thin(torch.ones(16)), atol=1e-6)
    assert torch.allclose(net.eval()(frames_BSD), other(frames_BSD), atol=1e-6)
    assert sum(one.numel() for one in other.parameters()) == made.record["num_parameters"]


def test_before_the_schedule_training_feels_nothing() -> None:
    net, frames_BSD = Net(), torch.randn(2, 5, 12)
    plain = net.eval()(frames_BSD)
    Compression(net, LowRank(layers=["fc.3"], rank=5, begin=5, end=9))
    net.train().get_submodule("fc.2").eval()
    assert torch.equal(net(frames_BSD), plain)


def test_thin_matrices_are_the_best_of_their_rank_until_the_blend_begins_and_never_written_over_then() -> None:
    net = Net()
    weight = net.get_parameter("fc.0.weight").detach().clone()
    made = Compression(net, LowRank(layers=["fc.0"], rank=4, begin=2, end=6, every=2))
    pair: Any = inside(net.fc[0])
    left = torch.linalg.svdvals(weight)[4:].square().sum().sqrt()
    assert torch.allclose((weight - pair.up @ pair.down).norm(), left, atol=1e-5)
    made.before_step(2, Whole(net), None, folder=None)
    with torch.no_grad():
        pair.up.add_(1.0)
    trained, alphas = pair.up.detach().clone(), []
    for step in range(3, 9):
        made.before_step(step, Whole(net), None, folder=None)
        made.before_look(step, Whole(net), None)
        alphas.append(round(float(pair.alpha), 4))
    assert torch.equal(pair.up, trained)
    assert alphas == [0.6667, 0.3333, 0.3333, 0.0, 0.0, 0.0]


def apart() -> tuple[Net, Whole, Net, Compression]:
    """A net, an objective with a moving average of it, and another one beside it whose weights have gone elsewhere."""
    net = Net()
    made = Compression(net, LowRank(layers=["fc"], rank=4, begin=2, end=4, every=1))
    around, average = Whole(net), copy.deepcopy(net)
    around.target = nn.ModuleList([copy.deepcopy(net)])
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for other in (average, around.target[0]):
            for name in ("fc.0", "fc.3"):
                weight = original(other.get_submodule(name))
                weight.mul_(-0.5).add_(0.1 * torch.randn(weight.shape, generator=generator))
    return net, around, average, made


def test_averages_take_the_thin_matrices_of_the_student_so_that_their_means_are_a_product() -> None:
    net, around, average, made = apart()
    target: Any = around.target
    made.before_step(2, around, average, folder=None)
    for name in ("fc.0", "fc.3"):
        own: Any = inside(net.get_submodule(name))
        for other in (average, target[0]):
            pair: Any = inside(other.get_submodule(name))
            mean = (own.up + pair.up) / 2 @ (own.down + pair.down) / 2
            assert torch.allclose(mean, own.up @ own.down, atol=1e-6)
            assert float(pair.alpha) == float(own.alpha) < 1.0


def test_until_the_blend_begins_an_average_is_heard_as_its_own_best_product() -> None:
    _, around, average, made = apart()
    made.before_look(1, around, average)
    pair, weight = inside(average.fc[0]), original(average.fc[0])
    left = torch.linalg.svdvals(weight)[4:].square().sum().sqrt()
    assert torch.allclose((weight - pair.up @ pair.down).norm(), left, atol=1e-5)


def test_an_average_stays_near_to_its_student_through_the_blend() -> None:
    net = Net()
    made = Compression(net, LowRank(layers=["fc.0"], rank=4, begin=10, end=12, every=1))
    average, generator, alike = average_of(net, decay=0.9, spread=False), torch.Generator().manual_seed(0), []
    for step in range(1, 30):
        made.before_step(step, Whole(net), average.module, folder=None)
        with torch.no_grad():
            original(net.fc[0]).add_(0.02 * torch.randn(16, 12, generator=generator))
        average.update_parameters(net)
        pairs = [inside(part.get_submodule("fc.0")) for part in (net, average.module)]
        own, mean = ((pair.up @ pair.down).detach().flatten() for pair in pairs)
        alike.append(float(functional.cosine_similarity(own, mean, dim=0)))
    assert min(alike[10:]) > 0.99


def test_pruned_outputs_between_linear_layers_are_really_gone_and_others_are_zeros() -> None:
    net, frames_BSD = Net(), torch.randn(2, 5, 12)
    with torch.no_grad():
        net.get_parameter("fc.0.weight")[::2] *= 0.01
    made = Compression(net, Prune(layers=["fc.0", "conv"], share=0.5, begin=1, end=1))
    made.before_step(1, Whole(net), None, folder=None)
    other: Any = rebuilt(made, net)
    assert other.fc[0].weight.shape == (8, 12) and other.fc[3].weight.shape == (8, 8)
    assert torch.equal(other.fc[0].weight, original(net.fc[0])[1::2])
    assert int((other.conv.weight.flatten(1).norm(dim=1) == 0).sum()) == 3 and made.record["zeroed"] == ["conv"]
    assert torch.allclose(net.eval()(frames_BSD), other(frames_BSD), atol=1e-6)
    assert sum(one.numel() for one in other.parameters()) == made.record["num_parameters"]


def test_an_output_that_was_pruned_stays_so() -> None:
    net = Net()
    made = Compression(net, Prune(layers=["fc.0"], share=0.5, begin=1, end=3, every=1))
    mask: Any = inside(net.fc[0])
    gone = []
    for step in range(1, 5):
        made.before_step(step, Whole(net), None, folder=None)
        gone.append(set((mask.now == 0).nonzero().flatten().tolist()))
        with torch.no_grad():
            original(net.fc[0]).copy_(torch.randn(16, 12))
    assert [len(some) for some in gone] == [3, 5, 8, 8]
    assert all(few <= many for few, many in itertools.pairwise(gone))


@pytest.mark.slow
def test_a_run_is_compressed_from_its_first_checkpoint_and_goes_on_to_the_same_bits(
    tmp_path: Path, speech: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compress = {"low_rank": {"layers": LAYERS, "rank": 32, "begin": 2, "end": 5, "every": 1}}
    go(tmp_path / "whole", speech, compress, ema=0.5)
    saved, save = [], _train_checkpoint.save

    def save_and_stop(folder: Path, *given: Any, **options: Any) -> Path:
        saved.append(save(folder, *given, **options))
        if folder.parent.name == "run":
            raise KeyboardInterrupt
        return saved[-1]

    monkeypatch.setattr(_train_checkpoint, "save", save_and_stop)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            go(tmp_path / "stopped", speech, compress, ema=0.5)
    monkeypatch.undo()
    monkeypatch.setenv("NOSS_CACHE", str(tmp_path / "cache"))
    assert saved[-1].name == "step-0000004"
    go(tmp_path / "stopped", speech, compress, ema=0.5)
    whole, stopped = weights(tmp_path / "whole"), weights(tmp_path / "stopped")
    assert all(torch.equal(whole[name], stopped[name]) for name in whole)
    assert float(whole["student.net.fc.0.parametrizations.weight.0.alpha"]) == 0.0


@pytest.mark.slow
def test_a_low_rank_student_is_smaller_learns_after_the_blend_and_embeds_like_its_training_module(
    tmp_path: Path, speech: Path
) -> None:
    compress = {"low_rank": {"rank": 0.1, "begin": 5, "end": 20, "every": 5}}
    distil = {"objective": "match_teacher", "teacher": "logmel_stats", "lr": 2e-3}
    done = go(tmp_path, speech, compress, steps=60, validate_every=20, **distil)
    losses = {step: value for step, name, value in read_log(tmp_path / "run") if name == "loss"}
    assert np.mean([losses[step] for step in range(51, 61)]) < np.mean([losses[step] for step in range(20, 30)])
    before, after = done.compression["before"], done.compression["after"]
    assert after["bytes"] < before["bytes"] and after["parameters"] < before["parameters"]
    assert json.loads((tmp_path / "run" / "compression.json").read_text(encoding="utf-8")) == done.compression
    assert "ms for 1 s" in str(done) and 0.0 < done.compression["drift"]["cosine"] <= 1.0
    final = weights(tmp_path)
    assert float(final["student.net.fc.0.parametrizations.weight.0.alpha"]) == 0.0
    kept = noss.load_model(f"trained/{tmp_path / 'run'}:last").embed([speech / "19.wav"])
    plain = {name.removeprefix("student."): value for name, value in final.items() if name.startswith("student.")}
    module = trained_module(plain)
    waveform_BT = torch.from_numpy(soundfile.read(speech / "19.wav", dtype="float32")[0])[None]
    with torch.no_grad():
        made_BLSD, _ = module(waveform_BT, torch.tensor([waveform_BT.shape[1]]))
    assert np.allclose(kept, made_BLSD[:, 0, 0].numpy(), atol=1e-4)


def trained_module(state: dict[str, torch.Tensor]) -> Any:
    """The module as it trained, blends and all, with its last weights."""
    from noss.models.audiontt import build

    module = build("512")
    Compression(module, LowRank(rank=0.1, begin=5, end=20, every=5))
    module.load_state_dict(state)
    return module.eval()


@pytest.mark.slow
@pytest.mark.parametrize("aware", [False, True])
def test_a_student_in_int8_is_a_quarter_of_its_linear_layers_and_near_to_the_floats(
    tmp_path: Path, speech: Path, aware: bool
) -> None:
    pytest.importorskip("torchao")
    done = go(tmp_path, speech, {"int8": {"aware": aware}}, steps=4)
    before, after = done.compression["before"], done.compression["after"]
    assert before["bytes"] - after["bytes"] == pytest.approx(3 * 2 * 512 * 512, rel=0.01)
    assert done.compression["drift"]["least_cosine"] > 0.99
    assert noss.load_model(done.model).embed([speech / "19.wav"]).shape == (1, 512)


@pytest.mark.slow
def test_a_pruned_student_is_smaller_and_says_what_it_lost(tmp_path: Path, speech: Path) -> None:
    done = go(tmp_path, speech, {"prune": {"share": 0.5, "begin": 1, "end": 3, "every": 1}})
    before, after = done.compression["before"], done.compression["after"]
    assert before["parameters"] - after["parameters"] == 256 * (512 + 1 + 512)
    assert after["bytes"] < before["bytes"] and done.compression["zeroed"] == []
    again = go(tmp_path / "again", speech, {"low_rank": {"rank": 0.1}}, student=done.model, steps=2)
    assert again.compression["after"]["parameters"] < after["parameters"]


@pytest.mark.parametrize(
    ("compress", "message"),
    [
        ({"lowrank": {}}, "no kind 'lowrank': did you mean low_rank"),
        ({"low_rank": {}, "prune": {}}, "has 2 kinds and a run has one"),
        ({"low_rank": {"rnk": 4}}, "no option 'rnk': did you mean rank"),
        ({"low_rank": {"rank": 0}}, "a whole number from 1, or a share"),
        ({"prune": {"share": 1.5}}, "a share between 0 and 1"),
        ({"low_rank": {"end": 9}}, "to step 9 and the run has 6"),
        ({"prune": {"begin": 5, "end": 2}}, "from step 5 to step 2"),
        ({"low_rank": {"layers": ["net.fx"]}}, "names 'net.fx' and no layer"),
        ({"low_rank": {"layers": ["net.fc.0"], "rank": 600}}, "asks for rank 600 and net.fc.0 is 512 x 512: 512"),
        ({"low_rank": {"layers": ["net.fc.0"], "rank": 256}}, "ask for 255 or less"),
        ({"int8": {"min_size": 10_000_000}}, "the largest has 262144 weights, and min_size is 10000000"),
    ],
)
def test_compression_without_sense_is_refused_in_one_line(
    tmp_path: Path, speech: Path, compress: Any, message: str
) -> None:
    with pytest.raises(NossError, match=message):
        go(tmp_path, speech, compress)


def test_lora_and_compression_of_the_same_layers_are_refused(tmp_path: Path, speech: Path) -> None:
    lines = ["file,label,speaker", *(f"{speech}/{n:02d}.wav,{'ab'[n % 2]},s{n}" for n in range(20))]
    (tmp_path / "t.csv").write_text("\n".join(lines), encoding="utf-8")
    changes = {"objective": "classify", "target": "label", "objective_options": {"lora": 4}}
    with pytest.raises(DataError, match=r"compress and the objective both change net\.fc\.0"):
        go(tmp_path, speech, {"low_rank": {"rank": 4}}, data=[f"csv/{tmp_path}/t.csv"], **changes)


def test_a_schedule_ends_exactly_at_its_end() -> None:
    settings: Any = read_compress({"low_rank": {"begin": 3, "end": 20, "every": 5}}, steps=40)
    way = [settings.done(step) for step in range(1, 25)]
    assert way[:2] == [0.0, 0.0] and way[2] == 0.25 and way[17] == way[18] == 1.0 and way[19:] == [1.0] * 5
    assert way == sorted(way)
