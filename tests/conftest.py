"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def noss_data() -> Path:
    """The folder of real speech and real weights; the test is skipped where there is none."""
    folder = os.environ.get("NOSS_DATA")
    if not folder:
        pytest.skip("NOSS_DATA is unset: point it at the folder of real speech and weights to run this test")
    return Path(folder)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's own cache."""
    monkeypatch.setenv("NOSS_CACHE", str(tmp_path_factory.mktemp("cache")))
