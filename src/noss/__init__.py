"""Non-semantic speech embeddings: score them, use them, make them."""

__version__ = "0.1.0"
