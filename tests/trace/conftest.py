"""What the tests of the trace share."""

from __future__ import annotations

import pytest

from botkit.trace import Labels


@pytest.fixture
def labels() -> Labels:
    """Labels that know two servers."""
    labels = Labels()
    labels.name_origin("http://127.0.0.1:4711", "GitHub")
    labels.name_origin("http://127.0.0.1:47110", "bot")
    return labels
