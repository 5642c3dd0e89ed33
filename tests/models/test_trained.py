"""A trained run is a model of its own, wherever its student's first weights lay."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from noss.models import Card, trained
from noss.runs import write_json


def test_proofs_of_the_weights_that_it_started_from_are_left_behind(tmp_path: Path) -> None:
    card = Card(
        sample_rate=16_000, frame_rate=0.0, dim=4, source="here", licence="MIT", weights=None, proofs="/gone#sha256=0"
    )
    known = {"student": "a", "objective": "triplet", "teacher": None, "trained_on": [], "card": asdict(card)}
    write_json(tmp_path / "model.json", known)
    assert trained.card(f"{tmp_path}:start").proofs is None
