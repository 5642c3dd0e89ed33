"""The six tasks of the NOSS benchmark, as the TRILL paper set them: who, which language, word, emotion (twice), dementia.

    noss run recipes/noss_paper.py --models trivial,logmel_stats,MODEL --root savee=DIR,dementiabank=DIR,voxceleb1=DIR \
        --root crema_d=DIR,voxforge=DIR,speech_commands=DIR --out runs/noss_paper

Scored by `clean`, and by `paper` beside it, the grid that published numbers come from; `--protocols clean` halves the wait.

Downloads: Speech Commands 2.5 GB, VoxForge about 100 GB, CREMA-D 0.6 GB; VoxCeleb1, SAVEE and DementiaBank are given out on
request, and their sizes are not stated. Together 683 hours: 352 VoxCeleb1, 284 VoxForge, 31 Speech Commands, 11
DementiaBank, 5.3 CREMA-D, 0.5 SAVEE; 79 GB as 16-bit audio at 16 kHz. The paper used a part of VoxCeleb1 that is not known:
its figures there cannot be compared. `--tasks` takes what there is.

Expected of the floor, `logmel_stats`: not measured here yet, for none of the six lay at hand.
"""

SUITE = {
    "models": ["trivial", "logmel_stats", "mfcc_stats"],
    "tasks": [
        "voxceleb1/speaker",
        "voxforge/language",
        "speech_commands/word12",
        "crema_d/emotion",
        "savee/emotion",
        "dementiabank/diagnosis",
    ],
    "protocols": ["clean", "paper"],
}
