"""The embedded default: five models on four tasks of a corpus that is synthesised on first use.

    noss run recipes/demo.py --out runs/demo

Needs no download. Cost: two minutes on two cores (111 s measured), the synthesis included.
Expected: every model is far above `trivial` on language, speaker and word.
"""

SUITE = {
    "models": ["trivial", "logmel_stats", "mfcc_stats", "opensmile/egemaps", "noss/small"],
    "tasks": ["demo/language", "demo/speaker", "demo/style", "demo/word"],
}
