"""How intelligible is a speaker? A supervised CNN, non-semantic embeddings and ASR encoders, as in arXiv 2107.03985.

    noss run recipes/disordered_speech.py --root torgo=DIR,uaspeech=DIR --out runs/disordered
    noss finetune recipes/disordered_speech.py --root torgo=DIR,uaspeech=DIR --out runs/disordered
    noss compare runs/disordered --by material,speaker

Five points of UA-Speech (`very_low` to `high`, `control`), four of TORGO, typical against dysarthric, and the percentage of words
understood, which `noss finetune` passes over: it learns classes. Folds by speaker throughout. The paper's own corpus is private.

Of the models, `byol_s` is non-semantic, `yamnet` hears sounds, and the encoders of whisper-base and wav2vec 2.0 were trained to write
words down; `@all` lets validation choose the layer. Their weights must be on this machine: `noss fetch` or a local folder in their place.

Cost: the encoders take an hour or two on 16 cores for both corpora; the CNN 3,000 steps for each of five folds and three tasks.
Expected: not run here, where neither corpus is; the paper finds the ASR encoder best at both.
"""

SUITE = {
    "models": [
        "trivial",
        "logmel_stats",
        "yamnet",
        "byol_s",
        "transformers/openai/whisper-base@all",
        "transformers/facebook/wav2vec2-base-960h@all",
    ],
    "tasks": ["torgo/dysarthria", "torgo/intelligibility", "uaspeech/intelligibility", "uaspeech/percent"],
}

RECIPE = {
    "student": "audiontt/512",
    "objective": "classify",
    "objective_options": {"dropout": 0.3},
    "data": [],  # `noss finetune` gives the clips of each training fold
    "steps": 3000,
    "crop_s": 1.5,
    "batch_size": 32,
    "lr": 1e-3,
    "warmup": 100,
    "validation": 0.2,
    "validate_every": 250,
}
