"""Converters tell of every pass; what goes wrong they raise."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Without what converters log, warn of and print, some of it from C++ straight to file 2."""
    before, kept, sink = logging.root.manager.disable, os.dup(2), os.open(os.devnull, os.O_WRONLY)
    logging.disable(logging.ERROR)
    try:
        os.dup2(sink, 2)
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(sink)
        logging.disable(before)
