"""Watch over a bot that runs: whether the chat still delivers, and whether a full disk has room.

RingCentral stops delivering when a webhook was not answered well for a while, and nobody hears of
that.  So a thread asks every half minute whether each bot's subscription is active, and renews it
if not.  Less often it does all that `Subscription.ensure` does, such as renewing before the end.

Start with `Watch.look`.  Not here: what is done once a day (`maintenance.py`).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from botkit.bot import Bot
from botkit.errors import BotkitError, ChatBusy, StorageError
from botkit.storage import tables

log = logging.getLogger("botkit")

LOOK_SECONDS = 30.0
ENSURE_SECONDS = 600.0


class Watch:
    """A thread that watches over `bot`, from `start` to `stop`.  `now` counts seconds."""

    def __init__(self, bot: Bot, *, now: Callable[[], float] = time.monotonic) -> None:
        self._bot = bot
        self._now = now
        self._ensured = -ENSURE_SECONDS
        self._told: dict[str, str] = {}  # the last trouble of each bot, which is logged once
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="botkit-watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Look no more.  It does not wait for a request that is under way."""
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self.look()
            except StorageError as error:  # the next look is not far
                log.warning("The subscriptions could not be checked. %s", error)
            except Exception:
                log.exception("The subscriptions could not be checked")
            self._stopped.wait(LOOK_SECONDS)

    def look(self) -> None:
        """Look once at everything.  Raises `StorageError`."""
        self._bot.storage.try_to_write()
        ensure = self._now() - self._ensured >= ENSURE_SECONDS
        if ensure:
            self._ensured = self._now()
        for row in self._bot.storage.find_bots():
            if self._stopped.is_set():
                return
            try:
                if ensure or not self._is_subscribed(row):
                    self._ensure(row.id)
                self._told.pop(row.id, None)
            except StorageError:
                raise
            except BotkitError as error:  # the other bots are looked at all the same
                self._tell(row.id, error)

    def _is_subscribed(self, row: tables.Bot) -> bool:
        """Return whether RingCentral delivers to the subscription that was made last."""
        ours = (row.data or {}).get("subscriptionId")
        found = self._bot.installation.subscription.find(row.id)
        return any(one.get("id") == ours and one.get("status") == "Active" for one in found)

    def _ensure(self, bot_id: str) -> None:
        outcome = self._bot.installation.ensure(bot_id)
        if outcome != "kept":
            log.info("The subscription of bot %s was %s.", bot_id, outcome)

    def _tell(self, bot_id: str, error: BotkitError) -> None:
        if self._told.get(bot_id) != str(error):
            level = logging.INFO if isinstance(error, ChatBusy) else logging.WARNING
            log.log(level, "The subscription of bot %s has to wait. %s", bot_id, error)
        self._told[bot_id] = str(error)
