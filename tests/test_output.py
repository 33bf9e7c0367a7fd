"""What the commands print arrives, whatever the terminal or the pipe can show."""

from __future__ import annotations

import io
import sys

import pytest

from botkit.__main__ import main


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "latin-1"])
def test_what_a_pipe_cannot_show_is_replaced(encoding, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    pipe = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", pipe)
    main(["doctor"])
    pipe.flush()
    said = pipe.buffer.getvalue().decode(encoding)
    assert "Python is new enough." in said and "\u2714" not in said
