"""Show every message of a trip, with a label instead of each secret.

Start with `trace.py`: `Trace` records requests and answers.  `labels.py` gives each secret its
label.  `exchange.py` chooses what is shown of a message.  `diagram.py` draws with characters and
`picture.py` draws SVG; `arrows.py` has what both need.  `wrapping.py` breaks long lines.

Not here: the bot.  A trace can watch anything that sends requests through `botkit.oauth`.
"""

from __future__ import annotations

from botkit.trace.arrows import LEFT_OUT_FIELDS
from botkit.trace.exchange import Exchange, shorten
from botkit.trace.labels import Labels, RedactingFilter, show
from botkit.trace.trace import Trace
from botkit.trace.wrapping import COLUMNS, in_columns

__all__ = [
    "COLUMNS",
    "LEFT_OUT_FIELDS",
    "Exchange",
    "Labels",
    "RedactingFilter",
    "Trace",
    "in_columns",
    "shorten",
    "show",
]
