"""Visit the database and the services at the same time, each in a thread.

Start with `Visits`.  These checks take longer than the others.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime

from botkit.errors import BotkitError
from botkit.run.doctor.database import DatabaseVisit, default_database, keys_of, no_database
from botkit.run.doctor.place import BotAddress
from botkit.run.doctor.questions import LiveService, chat_service, service_of
from botkit.run.doctor.report import Check, wrong
from botkit.run.doctor.services import ServiceVisit, clock
from botkit.settings import Settings, places_of

DEADLINE_SECONDS = 8.0  # for all together
NOWHERE = "http://127.0.0.1"  # while the bot's address is not known


class Visits:
    """The visits for these settings, which begin when it is made."""

    def __init__(self, settings: Settings, place: BotAddress, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._end = time.monotonic() + DEADLINE_SECONDS
        url = settings.database or default_database(settings)
        self._database = DatabaseVisit(url, keys_of(settings, url)) if url else None
        found = list(services(settings, place.url))
        self._troubles = [one for one in found if isinstance(one, Check)]
        self._services = [ServiceVisit(one, now) for one in found if isinstance(one, LiveService)]
        self._look_at_database = _Look("database", "The database", self._database)
        self._look_at_services = [
            _Look(f"{visit.service.key}_answers", visit.service.name, visit)
            for visit in self._services
        ]

    def webhooks(self) -> frozenset[str]:
        """The webhook addresses that the bots in the database remember."""
        self._look_at_database.found_by(self._end)
        return self._database.webhooks if self._database else frozenset()

    def of_the_database(self) -> Iterator[Check]:
        if self._settings.database is None:
            yield no_database()
        yield from self._look_at_database.found_by(self._end)

    def of_the_services(self) -> Iterator[Check]:
        """Of every service that is live, and then of the clock."""
        yield from self._troubles
        for look in self._look_at_services:
            yield from look.found_by(self._end)
        yield clock(self._services)


def services(settings: Settings, bot_url: str | None) -> Iterator[LiveService | Check]:
    """Yield every live service in use, and the chat.  `bot_url` may be None.

    A description may ask its service for the addresses.  If that fails, a check takes its place.
    """
    address = bot_url or NOWHERE
    for name in settings.services:
        if registration := settings.registrations.get(name):
            skill = next(one for one in settings.skills if name in places_of([one]))
            try:
                yield service_of(skill, registration, address)
            except BotkitError as error:
                yield wrong(f"{name}_answers", str(error), error.advice_at_terminal)
    if settings.chatbot:
        yield chat_service(settings.chatbot, address)


class _Look:
    """A visit under way."""

    def __init__(self, check: str, party: str, visit: DatabaseVisit | ServiceVisit | None) -> None:
        self._check, self._party = check, party
        self._found: list[Check] = []
        self._thread = threading.Thread(target=self._run, args=(visit,), daemon=True)
        self._thread.start()

    def _run(self, visit: DatabaseVisit | ServiceVisit | None) -> None:
        try:
            for check in visit.checks() if visit else ():
                self._found.append(check)
        except Exception as error:  # its text may hold anything, also a password
            text = f"{self._party} could not be looked at: {type(error).__name__}."
            advice = "This is a mistake in botkit: please report it, with this line."
            self._found.append(wrong(self._check, text, advice))

    def found_by(self, end: float) -> list[Check]:
        """What is known at `end`, a moment of the monotonic clock, or earlier if all is known."""
        self._thread.join(max(end - time.monotonic(), 0))
        if not self._thread.is_alive():
            return self._found
        text = f"{self._party} does not answer in time."
        advice = "Check the network. Without it, practise: set BOTKIT_PRACTICE=1."
        return [*self._found, wrong(self._check, text, advice)]
