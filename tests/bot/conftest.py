"""What the tests of the web app share."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from botkit.lessons.kit import Kit


@pytest.fixture
def client(kit: Kit) -> FlaskClient:
    """A client of the bot's web app, without a network."""
    return kit.app.test_client()
