"""Confirm in chat: who approves in the browser need not be who asked in the chat.

A link can be forwarded.  Mallory asks the bot for one and sends it to Alice; Alice approves, and
Mallory's chat would have Alice's account.  So the answer of the provider is not a connection yet.
The callback's page shows a short code, in the browser of whoever approved.  The connection counts
once that code is said in the chat by the person who asked.  Only one and the same person has both.
"""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from botkit.chat import Chat, Event
from botkit.errors import StorageError
from botkit.oauth import NEW_LINK, Provider, receive_answer, revoke_quietly, save_connection
from botkit.storage import ANSWER_LIFE, HeldAnswer, Service, Storage, owner_of

WAIT_SECONDS = ANSWER_LIFE.total_seconds() + 5  # then nobody can confirm it any more


def hold_callback(
    storage: Storage, provider: Provider, query: Mapping[str, Sequence[str]], *, shared: bool
) -> tuple[str, dict[str, Any]]:
    """Step 2, but what came has to wait.  Returns the code to be shown, and what came.

    Parameters and errors are those of `botkit.oauth.handle_callback`.
    """
    link, data = receive_answer(storage, provider, query)
    code = f"{secrets.randbelow(1_000_000):06d}"
    try:
        storage.hold_answer(link, {"code": code, "shared": shared, "data": data})
    except StorageError as error:  # the link is used up, as in `save_connection`
        revoke_quietly(storage, provider, data)
        error.advice = NEW_LINK
        raise
    return f"{code[:3]} {code[3:]}", data


class Confirmation:
    """The first skill in the row: it takes the codes, and forgets what nobody can confirm.

    `connected(service)` is called when a connection counts.
    """

    def __init__(
        self,
        storage: Storage,
        chat: Chat,
        providers: Iterable[Provider],
        connected: Callable[[Service], None],
    ) -> None:
        self._storage = storage
        self._chat = chat
        self._providers = providers
        self._connected = connected
        self._lock = threading.Lock()
        self._timer_runs, self._more_came = False, False

    def handle(self, event: Event, handled: bool) -> bool:
        if event.kind in ("BotLeftGroup", "BotRemoved"):
            answers = self._storage.take_answers(bot_id=event.bot_id, group_id=event.group_id)
            self._forget(answers)
        code = re.sub(r"[\s-]", "", event.text)
        if handled or event.kind != "Message4Bot" or not re.fullmatch("[0-9]{6}", code):
            return False
        attempt = self._storage.try_code(event.bot_id, event.group_id, event.user_id, code)
        if attempt is None:  # nothing waits, so it is no code, but a number
            return False
        self._forget(attempt.spoiled)
        if attempt.taken and (provider := self._provider(attempt.taken)):
            self._connected(_save(self._storage, provider, attempt.taken))
        elif attempt.left:
            tries = "one more try" if attempt.left == 1 else f"{attempt.left} more tries"
            self._say(event, f"This is not the code that the page shows. You have {tries}.")
        else:
            self._say(event, "That was the last wrong code. Nothing is connected. Begin again.")
        return True

    def expect(self, later: Callable[..., None]) -> None:
        """An answer waits now: see to it that it vanishes in time, if nobody confirms it.

        `later(seconds, job, *args)` does a job in so many seconds.  However many answers wait, one
        timer runs in this process.
        """
        with self._lock:
            self._more_came = self._timer_runs
            if self._timer_runs:
                return
            self._timer_runs = True
        later(WAIT_SECONDS, self._time_is_up, later)

    def _time_is_up(self, later: Callable[..., None]) -> None:
        with self._lock:
            self._timer_runs, more = False, self._more_came
        if more:  # they came after the timer had been set
            self.expect(later)
        self.vanish()

    def vanish(self) -> int:
        """Forget the answers that nobody has confirmed in time; return how many they were."""
        return self._forget(self._storage.take_answers())

    def _forget(self, answers: Sequence[HeldAnswer]) -> int:
        """Also at the provider, where that ends no connection that counts."""
        for taken in answers:
            if provider := self._provider(taken):
                revoke_quietly(self._storage, provider, taken.answer["data"])
        return len(answers)

    def _provider(self, taken: HeldAnswer) -> Provider | None:
        return next((one for one in self._providers if one.name == taken.provider), None)

    def _say(self, event: Event, text: str) -> None:
        self._chat.send(event.bot_id, event.group_id, text)

    def __repr__(self) -> str:
        return "<Confirmation>"


def _save(storage: Storage, provider: Provider, taken: HeldAnswer) -> Service:
    owner = owner_of(taken, shared=taken.answer["shared"])
    return save_connection(storage, provider, owner, taken.answer["data"])
