"""Put a bot together, and answer the requests that reach it.

Start with `bot.py`, which builds a `Bot` from its settings.  `web.py` has the pages: the callbacks,
and the one with the code of six digits.  `webhook.py` takes what the chat delivers and writes it
down, `worker.py` has the threads that do the work after that, and `turns.py` says what they do with
a message.  `places.py` keeps web threads free for the chat, and `hosts.py` keeps those that answer
messages free from a slow provider.  `health.py` says whether the bot can work, and `keys.py` finds
the key that encrypts the database.

Not here: the process in which a bot runs (`botkit.run`).
"""

from __future__ import annotations

from botkit.bot.bot import DATABASE, SKILLS, Bot, callback_path_of, describe, skill_named
from botkit.bot.keys import key_file, missing_key, with_key, write_new_key
from botkit.bot.places import FEWEST_THREADS, WEB_THREADS
from botkit.bot.web import LONGEST_BODY
from botkit.bot.worker import log_error

__all__ = [
    "DATABASE",
    "FEWEST_THREADS",
    "LONGEST_BODY",
    "SKILLS",
    "WEB_THREADS",
    "Bot",
    "callback_path_of",
    "describe",
    "key_file",
    "log_error",
    "missing_key",
    "skill_named",
    "with_key",
    "write_new_key",
]
