"""Describe the services that the bot can connect to, one file per company.

A description is data: see `botkit.oauth.Provider`.  Start with `github.py`.  `contract/` tests a
description against the service itself, step by step.  Lesson 10 uses it.

Not here: what the bot does with a service once it is connected (`botkit.skills`).
"""

from __future__ import annotations

from botkit.providers.describe import describe_service
from botkit.providers.github import github
from botkit.providers.google import GOOGLE, GOOGLE_SCOPE, google_drive, google_sheets
from botkit.providers.ringcentral import ringcentral

__all__ = [
    "GOOGLE",
    "GOOGLE_SCOPE",
    "describe_service",
    "github",
    "google_drive",
    "google_sheets",
    "ringcentral",
]
