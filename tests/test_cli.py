"""What the command line says on the way out."""

from __future__ import annotations

import importlib

import pytest

from noss import cli


def test_an_interrupt_is_told_in_one_line_and_ends_with_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(shelf: str = "models") -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(importlib.import_module("noss.pipeline.list"), "list", interrupted)
    with pytest.raises(SystemExit) as ended:
        cli.main(["list", "models"])
    assert ended.value.code == 130
    assert capsys.readouterr().err == "noss: interrupted; run the same command again to go on\n"
