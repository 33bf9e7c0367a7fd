"""Show every message of a trip, with a label in place of each secret.

Start with `trace.py`: `Trace` records requests and answers.  `labels.py` gives each secret its
label, `exchange.py` chooses what is shown of a message, and `diagram.py`, `arrows.py` and
`picture.py` draw.

Nothing here knows the bot: whatever sends requests can be traced.
"""

from __future__ import annotations

from botkit.trace.arrows import DULL
from botkit.trace.exchange import Exchange, shorten
from botkit.trace.labels import Labels, RedactingFilter, show
from botkit.trace.trace import Trace
from botkit.trace.wrapping import COLUMNS, in_columns

__all__ = [
    "COLUMNS",
    "DULL",
    "Exchange",
    "Labels",
    "RedactingFilter",
    "Trace",
    "in_columns",
    "shorten",
    "show",
]
