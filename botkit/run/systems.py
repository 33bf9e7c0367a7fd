"""Name the systems that take part, as a trace, a label and a sentence do."""

from __future__ import annotations

PARTIES = {  # by the place in the settings
    "github": "GitHub",
    "google": "Google",
    "ringcentral_app": "RingCentral",
    "chat": "the chat",
}
