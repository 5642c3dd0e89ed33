"""Ten speakers a language, with anonymous ones, a speaker of two languages, FLAC, an archive of 2020 and a seventh language."""

from __future__ import annotations

from pathlib import Path

from miniatures import sound
from noss.datasets.voxforge import LANGUAGES

PLACE = "www.repository.voxforge1.org/downloads/{language}/Trunk/Audio/Main/16kHz_16bit"
IN_FLAC = ("de", "karl-20090101-abc")
ARCHIVES = (
    *((language, f"{language}speaker{n}-2008030{n % 10}-{n}") for language in LANGUAGES for n in range(10)),
    *((language, "anonymous-20080504-qvg") for language in LANGUAGES),
    ("en", "bilingual-20101231-ab"),
    ("fr", "bilingual-20101231-cd"),
    ("it", "two_words-and-20191231-more"),
    IN_FLAC,
)
LEFT_OUT = (("ru", "late-20200101-abc"), ("nl", "nlspeaker-20080309-abc"))


def build(root: Path) -> str:
    for language, archive in (*ARCHIVES, *LEFT_OUT):
        folder = f"{PLACE.format(language=language)}/{archive}"
        kind = "flac" if (language, archive) == IN_FLAC else "wav"
        sound(root, *(f"{folder}/{kind}/{language}-{take:02d}.{kind}" for take in (1, 2)))
        (root / folder / "etc").mkdir()
        (root / folder / "etc" / "PROMPTS").write_text(f"{archive}/mfc/{language}-01 SOMETHING READ\n")
    listed = (f"{PLACE.format(language=language)}/{archive}.tgz" for language, archive in ARCHIVES)
    (root / "voxforge_urls.txt").write_text("".join(f'"{url}"\n' for url in listed))
    return "voxforge"
