"""TORGO: dysarthric and typical people read words. Targets `intelligibility` and `dysarthria`.

Eight people with cerebral palsy or amyotrophic lateral sclerosis, and seven without, read words and sentences.

Layout: the owners' four archives unpacked into one folder, `F01/Session1/wav_arrayMic/0001.wav` with the prompt in
`F01/Session1/prompts/0001.txt` (or each archive in its own folder `F`, `FC`, `M`, `MC`).

Most utterances were recorded twice at once, at the head and by an array in front of the speaker. Only the array is read:
one utterance is one clip, and the microphone is the same for everybody. Prompts that are no words (`[say Ah-P-Eee
repeatedly]`, paths of pictures to describe) are left out, as in PathBench (Halpern et al. 2026, arXiv 2603.08097), whose
lists of the same utterances are counted below.

Severity is a fact of each speaker, after the Frenchay assessments by a speech-language pathologist that come with the
corpus, as recognition of this speech is commonly broken down (España-Bonet & Fonollosa, IberSPEECH 2016): F01, M01, M02
and M04 severe, M05 moderate to severe, F03 moderate, F04 and M03 mild. As a class, `moderate` holds F03 and M05: a class
of one speaker cannot be learnt from others.

Source: Rudzicz, Namasivayam & Wolff, "The TORGO database of acoustic and articulatory speech from speakers with
dysarthria", Language Resources and Evaluation 46, 2012. Hours: half of the 13.5 of both microphones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from noss.datasets import Clip, Dataset, Download
from noss.datasets._files import audio_by_stem, folders
from noss.errors import DataError

CONTROL = "control"
SEVERITY: Mapping[str, str] = {
    "F01": "severe", "F03": "moderate", "F04": "mild",
    "M01": "severe", "M02": "severe", "M03": "mild", "M04": "severe", "M05": "moderate to severe",
    "FC01": CONTROL, "FC02": CONTROL, "FC03": CONTROL, "MC01": CONTROL, "MC02": CONTROL, "MC03": CONTROL, "MC04": CONTROL,
}  # fmt: skip
_ARCHIVES = ("F", "FC", "M", "MC")
_NO_WORDS = re.compile(r"[\[\]/\\]")
_PAGE = "https://www.cs.toronto.edu/~complingweb/data/TORGO"

DATASET = Dataset(
    title="The TORGO database of dysarthric articulation",
    source=f"{_PAGE}/torgo.html",
    licence="for academic use, as its page states",
    citation="Rudzicz, Namasivayam & Wolff, The TORGO database, Language Resources and Evaluation 46, 2012",
    targets={
        "intelligibility": ("severe", "moderate", "mild", CONTROL),
        "dysarthria": (CONTROL, "dysarthric"),
    },
    families={"intelligibility": "health", "dysarthria": "health"},
    metric="uar",
    num_clips=8_642,
    hours=6.75,
    num_speakers=15,
    speakers="disjoint",
    language=("en-CA",),
    num_by_label={"dysarthria": {CONTROL: 5_910, "dysarthric": 2_732}},
    access="open",
    layout=(
        "F01/Session1/wav_arrayMic/0001.wav    speaker (C: control), session, array microphone\n"
        "F01/Session1/prompts/0001.txt         what is read"
    ),
    signs=("*/Session*/wav_arrayMic", "*/Session*/prompts"),
    downloads=tuple(Download(url=f"{_PAGE}/{archive}.tar.bz2") for archive in _ARCHIVES),
    notes=(
        "Folds by speaker; a class has two to seven of the 15 speakers, so intervals are wide.",
        "Labels are of speakers, not of utterances; `moderate` joins F03 and M05, who is moderate to severe.",
        "Array microphone only; utterances without words as prompt are left out.",
        "Speakers with and without dysarthria differ in noise too (Schu, Janbakhshi & Kodrasi 2023, arXiv 2211.08833).",
    ),
)


def clips(root: Path) -> Iterator[Clip]:
    """Every utterance of the array microphone that has words as prompt, by speaker and session.

    Raises:
        DataError: No such utterance stands in folders of speakers below the root.
    """
    empty = True
    for folder in _speakers(root):
        for session in folders(folder):
            for path, prompt in _utterances(session):
                empty = False
                yield _clip(path, prompt, speaker=folder.name, session=session.name)
    if empty:
        raise DataError(
            f"no clip of torgo in {root}: it needs F01/Session1/wav_arrayMic/0001.wav, F01/Session1/prompts/0001.txt and "
            "so on; give --root torgo=DIR, the folder that holds F01, FC01, M01, MC01 and the others"
        )


def _speakers(root: Path) -> list[Path]:
    """Folders of speakers, sorted by name."""
    here = folders(root)
    inside = [inner for folder in here if folder.name in _ARCHIVES for inner in folders(folder)]
    return sorted((folder for folder in [*here, *inside] if folder.name in SEVERITY), key=lambda folder: folder.name)


def _utterances(session: Path) -> Iterator[tuple[Path, str]]:
    audio, prompts = session / "wav_arrayMic", session / "prompts"
    if not (audio.is_dir() and prompts.is_dir()):
        return
    for name, path in audio_by_stem(audio).items():
        prompt = _prompt(prompts / f"{name}.txt")
        if prompt and not _NO_WORDS.search(prompt):
            yield path, prompt


def _prompt(path: Path) -> str:
    """What is read, on one line; nothing where no prompt is kept."""
    try:
        return " ".join(path.read_text(encoding="utf-8", errors="replace").split())
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}; give a folder that can be read") from error


def _clip(path: Path, prompt: str, *, speaker: str, session: str) -> Clip:
    severity = SEVERITY[speaker]
    return Clip(
        path=path,
        labels={
            "intelligibility": severity.partition(" ")[0],
            "dysarthria": CONTROL if severity == CONTROL else "dysarthric",
        },
        speaker=speaker,
        session=session,
        sentence=prompt,
        facts={
            "gender": speaker[0].lower(),
            "severity": severity,
            "material": "sentence" if " " in prompt else "word",
        },
    )
