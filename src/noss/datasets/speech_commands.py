"""Speech Commands v0.02: one spoken word a clip. Targets `word12` (10 commands) and `word35` (all).

Layout: the two archives, each unpacked into a folder of its name, `speech_commands_v0.02/yes/0a7c2a8d_nohash_0.wav`
(speaker and take) and `speech_commands_test_set_v0.02/yes/...`.

`word35` is the word, in the split of the owner's lists: `validation_list.txt` is dev, `testing_list.txt` is test, all
others are train. `word12` is built as TensorFlow Datasets builds it: the other 25 words are `_unknown_`; train and dev
are as above, and test is the test archive, whose folder `_unknown_` holds a sample of other words and `_silence_`
files of its own. In train and dev, silence is a window of one second every half second of each noise file, of
`running_tap` for dev and of the others for train. A word of train or dev is one clip with both targets; a word of the
test archive and the same word of `testing_list.txt` are two clips, of equal bytes.

Sources: Warden, "Speech Commands: A Dataset for Limited-Vocabulary Speech Recognition", arXiv 1804.03209, 2018 (counts
of words and speakers); https://www.tensorflow.org/datasets/catalog/speech_commands (85,511 / 10,102 / 4,890 clips of 12
classes) and the builder behind it, whose versions 0.0.2 and 0.0.3 split alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from noss.datasets import Clip, Dataset, Download, Split
from noss.datasets._files import audio_by_stem, folders, stem
from noss.datasets._lists import lines, wrong_line
from noss.errors import DataError

COMMANDS = ("down", "go", "left", "no", "off", "on", "right", "stop", "up", "yes")
SILENCE, UNKNOWN = "_silence_", "_unknown_"
NUM_BY_WORD: Mapping[str, int] = {
    "backward": 1_664, "bed": 2_014, "bird": 2_064, "cat": 2_031, "dog": 2_128, "down": 3_917, "eight": 3_787,
    "five": 4_052, "follow": 1_579, "forward": 1_557, "four": 3_728, "go": 3_880, "happy": 2_054, "house": 2_113,
    "learn": 1_575, "left": 3_801, "marvin": 2_100, "nine": 3_934, "no": 3_941, "off": 3_745, "on": 3_845,
    "one": 3_890, "right": 3_778, "seven": 3_998, "sheila": 2_022, "six": 3_860, "stop": 3_872, "three": 3_727,
    "tree": 1_759, "two": 3_880, "up": 3_723, "visual": 1_592, "wow": 2_123, "yes": 4_044, "zero": 4_052,
}  # fmt: skip
WORDS = tuple(NUM_BY_WORD)
NUM_WINDOWS: Mapping[str, int] = {  # a noise file lasts 60 to 95 s; no window reaches its last sample
    "doing_the_dishes": 189,
    "dude_miaowing": 122,
    "exercise_bike": 121,
    "pink_noise": 118,
    "running_tap": 121,
    "white_noise": 118,
}
WINDOW_S, HOP_S = 1.0, 0.5
DEV_NOISE = "running_tap"
_MAIN, _TEST, _NOISE = "speech_commands_v0.02", "speech_commands_test_set_v0.02", "_background_noise_"
_URL = "http://download.tensorflow.org/data"

DATASET = Dataset(
    title="Speech Commands v0.02",
    source="https://arxiv.org/abs/1804.03209",
    licence="CC-BY-4.0",
    citation="Warden, Speech Commands: A Dataset for Limited-Vocabulary Speech Recognition, arXiv 1804.03209, 2018",
    targets={"word12": (*COMMANDS, SILENCE, UNKNOWN), "word35": WORDS},
    metric="accuracy",
    families={"word12": "words", "word35": "words"},
    num_clips=111_508,
    hours=31.0,
    speakers="disjoint",
    language=("en",),
    num_by_split={"train": 85_511, "dev": 10_102, "test": 11_005 + 4_890},
    num_by_label={
        "word12": {**{word: NUM_BY_WORD[word] for word in COMMANDS}, SILENCE: 1_197, UNKNOWN: 60_760},
        "word35": NUM_BY_WORD,
    },
    layout=(
        f"{_MAIN}/yes/0a7c2a8d_nohash_0.wav       35 folders of words; speaker and take\n"
        f"{_MAIN}/{_NOISE}/running_tap.wav   six noise files\n"
        f"{_MAIN}/validation_list.txt             and testing_list.txt\n"
        f"{_TEST}/yes/...                ten words\n"
        f"{_TEST}/{SILENCE}/...          and {UNKNOWN}"
    ),
    signs=(f"*/{_NOISE}", "*/validation_list.txt", "*/testing_list.txt"),
    downloads=(
        Download(
            url=f"{_URL}/{_MAIN}.tar.gz",
            checksum="sha256:af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58",
            size=2_428_923_189,
            into=_MAIN,
        ),
        Download(
            url=f"{_URL}/{_TEST}.tar.gz",
            checksum="sha256:cc2a00c1147c2254e9be3fa0f779d8c17421dc349b86366567a8edfa9acd51df",
            size=112_563_277,
            into=_TEST,
        ),
    ),
    notes=(
        "`word12` is tested on the test archive (4,890 clips), `word35` on testing_list.txt (11,005 clips).",
        "Two thirds of `word12`'s train and dev clips are of the class `_unknown_`; the test archive is balanced.",
        "2,618 people speak. Silence is by nobody: its `speaker` is the recording that it was cut from.",
    ),
)

_NAME = re.compile(r"(?:[a-z]+_)?([^_]+)_nohash_\d+")  # words in the test archive's _unknown_ have the word in front
_LISTS: Mapping[str, Split] = {"validation_list.txt": "dev", "testing_list.txt": "test"}


def clips(root: Path) -> Iterator[Clip]:
    """Every word of the main archive and every window of its noise, then the test archive; by folder and name.

    Raises:
        DataError: No word is there, a list has a line that makes no sense, or a file or folder is none of the corpus.
    """
    main, test = root / _MAIN, root / _TEST
    if not all((main / name).is_file() for name in _LISTS):
        raise _no_clip(root)
    files = _files(main, allowed={*WORDS, _NOISE})
    if not any(files.get(word) for word in WORDS):
        raise _no_clip(root)
    yield from _words(main, files)
    yield from _windows(main / _NOISE, files.get(_NOISE, {}))
    if test.is_dir():
        yield from _test_clips(_files(test, allowed={*COMMANDS, SILENCE, UNKNOWN}))


def warnings(root: Path) -> list[str]:
    """A loud line where the test archive is missing."""
    if (root / _TEST).is_dir():
        return []
    return [f"there is no folder {_TEST} in {root}: word12 has no test clips; unpack {_URL}/{_TEST}.tar.gz there"]


def _files(archive: Path, *, allowed: set[str]) -> dict[str, dict[str, Path]]:
    """The audio files of an archive by folder and stem."""
    found = {}
    for folder in folders(archive):
        if folder.name not in allowed:
            raise DataError(f"{folder} is no folder of Speech Commands v0.02: move it out of {archive}")
        found[folder.name] = audio_by_stem(folder)
    return found


def _words(main: Path, files: Mapping[str, Mapping[str, Path]]) -> Iterator[Clip]:
    listed = _listed(main)
    for word in WORDS:
        here = files.get(word, {})
        for name in sorted(here.keys() | listed[word].keys()):
            split = listed[word].get(name, "train")
            labels = {"word35": word}
            if split != "test":
                labels["word12"] = word if word in COMMANDS else UNKNOWN
            path = here.get(name) or main / word / f"{name}.wav"
            yield Clip(path=path, labels=labels, speaker=_speaker(path, name), split=split)


def _listed(main: Path) -> dict[str, dict[str, Split]]:
    """The split of the clips in the owner's lists, by word and name."""
    listed: dict[str, dict[str, Split]] = {word: {} for word in WORDS}
    for file, split in _LISTS.items():
        for number, line in lines(main / file):
            word, _, name = line.partition("/")
            if word not in listed or not _NAME.fullmatch(stem(name)):
                raise wrong_line(
                    main / file, number, f"{line!r} is not as yes/0a7c2a8d_nohash_0.wav: unpack {_MAIN} again"
                )
            if listed[word].setdefault(stem(name), split) != split:
                raise wrong_line(main / file, number, f"{line} is in both lists: unpack {_MAIN} again")
    return listed


def _windows(folder: Path, files: Mapping[str, Path]) -> Iterator[Clip]:
    """The silence of train and dev."""
    for name in sorted(NUM_WINDOWS.keys() | files.keys()):
        if name not in NUM_WINDOWS:
            raise DataError(
                f"{files[name]} is none of the noise files {', '.join(NUM_WINDOWS)}: move it out of {folder}"
            )
        path = files.get(name, folder / f"{name}.wav")
        for start_s in (HOP_S * index for index in range(NUM_WINDOWS[name])):
            yield Clip(
                path=path,
                labels={"word12": SILENCE},
                speaker=name,
                split="dev" if name == DEV_NOISE else "train",
                start_s=start_s,
                end_s=start_s + WINDOW_S,
            )


def _test_clips(files: Mapping[str, Mapping[str, Path]]) -> Iterator[Clip]:
    for label, by_stem in files.items():
        for name, path in by_stem.items():
            speaker = name if label == SILENCE else _speaker(path, name)
            yield Clip(path=path, labels={"word12": label}, speaker=speaker, split="test")


def _speaker(path: Path, name: str) -> str:
    match = _NAME.fullmatch(name)
    if match is None:
        raise DataError(f"{path} tells no speaker: its name needs to be as 0a7c2a8d_nohash_0.wav; move it elsewhere")
    return match[1]


def _no_clip(root: Path) -> DataError:
    return DataError(
        f"no clip of speech_commands in {root}: it needs {_MAIN}/yes/0a7c2a8d_nohash_0.wav and so on, with "
        f"{' and '.join(_LISTS)} in {_MAIN}; give --root speech_commands=DIR, the folder that holds {_MAIN} and {_TEST}"
    )
