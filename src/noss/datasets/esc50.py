"""ESC-50: 2,000 five-second environmental sounds of 50 classes. Targets `sound` and `human_sound`.

Layout: `audio/1-100032-A-0.wav` (fold, recording on Freesound, fragment of it, class) and the list `meta/esc50.csv`, as in
https://github.com/karolpiczak/ESC-50. `human_sound` tells the ten human, non-speech classes apart, on their 400 clips.

The five published folds keep all fragments of a recording together: the recording is a clip's session. Nobody says who
coughs or laughs, so clips carry no speaker.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from noss.datasets import Clip, Dataset, Download
from noss.datasets._files import Finder
from noss.datasets._lists import rows, wrong_line
from noss.errors import DataError

GROUPS = {
    "animals": ("dog", "rooster", "pig", "cow", "frog", "cat", "hen", "insects", "sheep", "crow"),
    "nature": (
        "rain", "sea_waves", "crackling_fire", "crickets", "chirping_birds", "water_drops", "wind", "pouring_water",
        "toilet_flush", "thunderstorm",
    ),
    "human": (
        "crying_baby", "sneezing", "clapping", "breathing", "coughing", "footsteps", "laughing", "brushing_teeth",
        "snoring", "drinking_sipping",
    ),
    "interior": (
        "door_wood_knock", "mouse_click", "keyboard_typing", "door_wood_creaks", "can_opening", "washing_machine",
        "vacuum_cleaner", "clock_alarm", "clock_tick", "glass_breaking",
    ),
    "exterior": (
        "helicopter", "chainsaw", "siren", "car_horn", "engine", "train", "church_bells", "airplane", "fireworks",
        "hand_saw",
    ),
}  # fmt: skip
SOUNDS = tuple(sound for sounds in GROUPS.values() for sound in sounds)
HUMAN = GROUPS["human"]
_NUM_EACH = 40

DATASET = Dataset(
    title="ESC-50: Dataset for Environmental Sound Classification",
    source="https://github.com/karolpiczak/ESC-50",
    licence="CC-BY-NC-3.0",
    citation="Piczak, ESC: Dataset for Environmental Sound Classification, ACM Multimedia 2015",
    targets={"sound": SOUNDS, "human_sound": HUMAN},
    metric="accuracy",
    num_clips=2_000,
    hours=2.78,
    speakers="unknown",
    notes=(
        "The five published folds; all fragments of one recording are in one fold.",
        "Some recordings were filtered before they were published, which may tell their class (its owner's warning).",
        "The ten classes of ESC-10 alone are CC-BY.",
    ),
    families={"sound": "sounds", "human_sound": "sounds"},
    num_by_label={"sound": dict.fromkeys(SOUNDS, _NUM_EACH), "human_sound": dict.fromkeys(HUMAN, _NUM_EACH)},
    layout="audio/1-100032-A-0.wav\n...\naudio/5-9032-A-0.wav\nmeta/esc50.csv",
    signs=("meta/esc50.csv", "audio"),
    downloads=(Download(url="https://github.com/karolpiczak/ESC-50/archive/master.zip"),),
)

_FOLDS = ("1", "2", "3", "4", "5")
_COLUMNS = ("filename", "fold", "category", "esc10", "src_file", "take")
_UNPACKED = "ESC-50-master"
_GROUP_OF_SOUND = {sound: group for group, sounds in GROUPS.items() for sound in sounds}


def clips(root: Path) -> Iterator[Clip]:
    """Every clip of the list, in its order; the root may hold the archive's own folder `ESC-50-master` instead.

    Raises:
        DataError: There is no list, no clip of it is there, or a line of it is wrong.
    """
    home = root / _UNPACKED if (root / _UNPACKED).is_dir() else root
    finder = Finder()
    listed = list(_clips(home, finder)) if (home / "meta/esc50.csv").is_file() else []
    if not finder.num_found:
        raise DataError(
            f"no clip of esc50 in {root}: it needs meta/esc50.csv, and audio/1-100032-A-0.wav and so on; "
            "give --root esc50=DIR, the folder that holds meta and audio"
        )
    yield from listed


def _clips(home: Path, finder: Finder) -> Iterator[Clip]:
    path = home / "meta/esc50.csv"
    for line, (name, fold, sound, esc10, recording, take) in rows(path, *_COLUMNS):
        if sound not in _GROUP_OF_SOUND:
            raise wrong_line(path, line, f"{sound!r} is none of the 50 classes: download the list again")
        if fold not in _FOLDS:
            raise wrong_line(path, line, f"fold {fold!r} is none of 1 to 5: download the list again")
        yield Clip(
            path=Path(finder.find(f"{home}/audio/{name}")),
            labels={"sound": sound, "human_sound": sound} if sound in HUMAN else {"sound": sound},
            fold=int(fold) - 1,
            session=recording,
            facts={"group": _GROUP_OF_SOUND[sound], "esc10": esc10.lower(), "take": take},
        )
