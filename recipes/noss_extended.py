"""The tasks that followed: the seven of CAP12 and TRILLsson and the seven of FRILL, which are nine that can be rebuilt.

    noss run recipes/noss_extended.py --models trivial,logmel_stats,MODEL --root crema_d=DIR,savee=DIR,masc=DIR,iemocap=DIR \
        --root speech_commands=DIR,esc50=DIR,asvspoof2019=DIR,voxceleb1=DIR,voxforge=DIR --out runs/noss_extended

FRILL's card: VoxCeleb1, VoxForge, Speech Commands, CREMA-D, SAVEE, masked speech and the human sounds of ESC-50. CAP12 and
TRILLsson: the first four, with ASVspoof 2019, IEMOCAP and Euphonia. Euphonia's recordings of disordered speech are private
and left out. Scored by `clean`, and by `paper` beside it, the grid that published numbers come from.

Downloads: Speech Commands 2.5 GB, VoxForge about 100 GB, CREMA-D 0.6 GB; ASVspoof 2019 and ESC-50 are open too, VoxCeleb1,
SAVEE, MASC and IEMOCAP are given out on request, and their sizes are not stated. Together 808 hours: 352 VoxCeleb1,
284 VoxForge, 110 ASVspoof 2019, 31 Speech Commands, 12.5 IEMOCAP, 10 MASC, 5.3 CREMA-D, 2.8 ESC-50, 0.5 SAVEE; 93 GB as
16-bit audio at 16 kHz. `--tasks` takes what there is.

Expected of the floor, `logmel_stats`: not measured here yet, for none of the nine lay at hand.
"""

SUITE = {
    "models": ["trivial", "logmel_stats", "mfcc_stats"],
    "tasks": [
        "voxceleb1/speaker",
        "voxforge/language",
        "speech_commands/word12",
        "crema_d/emotion",
        "savee/emotion",
        "masc/mask",
        "esc50/human_sound",
        "asvspoof2019/spoof",
        "iemocap/emotion",
    ],
    "protocols": ["clean", "paper"],
}
