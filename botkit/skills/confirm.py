"""Check in the chat that the person who approved is the person who asked.

A link can be forwarded.  Mallory asks the bot for one and sends it to Alice.  Alice approves, and
Mallory's chat would have Alice's account.  So the provider's answer is not a connection yet: the
callback's page shows a short code, and the connection counts once the person who asked says that
code in the chat.  Only one person has both.  And if Alice says the code, because a page told her
to, it is used up: Mallory reads it in the chat, and it helps nobody any more.

Start with `hold_callback`, which is step 2 here, then read `Confirmation.handle`.

Not here: the page with the code (`botkit.bot.web`), and the row in which an answer is held
(`botkit.storage`).
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from botkit.chat import Chat, Event
from botkit.errors import StorageError
from botkit.oauth import NEW_LINK, Provider, receive_answer, revoke_quietly, save_connection
from botkit.skills.base import ServiceSkill
from botkit.storage import (
    ANSWER_LIFE,
    HeldAnswer,
    Job,
    Service,
    Storage,
    current_turn,
    do_job,
)

A_CODE = r"(?<![0-9])[0-9]{3}[\s\u2010-\u2015-]?[0-9]{3}(?![0-9])"
ONLY_A_CODE = rf"\W*{A_CODE}\W*"
MOST_CODES = 20  # that are looked for in one message
NOT_YOURS = (
    "This code belongs to a link that somebody else asked for, so only that person may say it. I "
    "have ended it: the code no longer works, and nothing is connected. If you followed a link "
    "that you did not ask for yourself, somebody wanted to use your account."
)
SAID_BY_ANOTHER = (
    "Somebody else said the code of a link that was asked for here. I have ended it: the code no "
    "longer works, and nothing is connected. Ask me for a new link, and open it yourself."
)
WAIT_SECONDS = ANSWER_LIFE.total_seconds() + 5  # after that no code can confirm the answer


def hold_callback(
    storage: Storage, provider: Provider, query: Mapping[str, Sequence[str]], *, shared: bool
) -> tuple[str, dict[str, Any], list[HeldAnswer]]:
    """Do step 2, but hold the provider's answer until its code is said in the chat.

    Returns the code for the page, such as `123 456`, the answer as `services.data` will hold it,
    and older answers that no longer wait for this person: their tokens have to be revoked.
    Parameters and errors are those of `botkit.oauth.handle_callback`.
    """
    link, data = receive_answer(storage, provider, query)
    code = f"{secrets.randbelow(1_000_000):06d}"
    answer = {"code": code, "shared": shared, "data": data}
    # If nobody confirms it, the answer is deleted in time: each one has a moment of its own.
    expired = do_job("expired", secrets.token_hex(8), seconds=WAIT_SECONDS, once=False)
    try:
        too_many = storage.hold_answer(link, answer, jobs=[expired])
    except StorageError as error:  # the link is used up, as in `save_connection`
        revoke_quietly(storage, provider, data)
        error.advice = NEW_LINK
        raise
    return f"{code[:3]} {code[3:]}", data, too_many


def connected_job(service: Service) -> Job:
    """Return the job that lets the skill of a new connection say so in the chat.

    It remembers whose account was connected: somebody else may connect theirs before it is done.
    """
    return do_job("connected", str(service.id), {"account": service.account}, once=False)


class Confirmation:
    """The first skill in the list: it takes codes, and deletes answers that nobody can confirm.

    `skills` are those that connect accounts; the list may grow.  When a connection counts, the job
    "connected" lets its skill say so.
    """

    def __init__(
        self,
        storage: Storage,
        chat: Chat,
        skills: Sequence[ServiceSkill],
    ) -> None:
        self._storage = storage
        self._chat = chat
        self._skills = skills

    # ---- a code is said --------------------------------------------------------------------

    def handle(self, event: Event, handled: bool) -> bool:
        """Take a code of six digits; without an answer that waits, it is only a number."""
        if event.kind in ("BotLeftGroup", "BotRemoved"):
            while answers := self._storage.take_answers(
                bot_id=event.bot_id, group_id=event.group_id
            ):
                self.revoke(answers)
        if handled or event.kind != "Message4Bot":
            return False
        return self._take_code(event, alone=re.fullmatch(ONLY_A_CODE, event.text) is not None)

    def overhear(self, event: Event) -> None:
        """Look for a code in a message that is not for the bot.

        In a team people forget to mention the bot, and everybody has read the code by then.
        """
        self._take_code(event, alone=False)

    def _take_code(self, event: Event, *, alone: bool) -> bool:
        """Take a code that is in a message; return whether the message was answered.

        A wrong one counts, also where it is not `alone` in a message to the bot: somebody could
        guess in long sentences.  But then nothing is said of it until it was the last one.
        """
        codes = [re.sub(r"\D", "", one) for one in re.findall(A_CODE, event.text)[:MOST_CODES]]
        who = event.bot_id, event.user_id
        if not codes or not self._storage.is_code_awaited(*who, codes):
            return False
        if (turn := current_turn()) is not None:
            turn.changes()  # the code works once, so another turn could not say what became of it
        check = self._storage.try_code(*who, codes)
        if check is None:
            return False
        self.revoke([*check.spoiled, *check.foreign])
        if check.taken and (skill := self._skill_of(check.taken)):
            if sentence := skill.objection(check.taken):
                self.revoke([check.taken])
                self._reply(event, f"{sentence} Nothing was changed.")
                return True
            service = self._save(skill.provider, check.taken)
            self._storage.messages.add(connected_job(service))
        elif check.foreign:
            self._tell_about(event, check.foreign)
        elif check.left and not alone:
            return False
        elif check.left:
            tries = "one more try" if check.left == 1 else f"{check.left} more tries"
            self._reply(event, f"This is not the code that the page shows. You have {tries}.")
        else:
            self._reply(event, "That was the last wrong code. Nothing is connected. Begin again.")
        return True

    def _tell_about(self, event: Event, foreign: Sequence[HeldAnswer]) -> None:
        """Tell the one who said somebody else's code, and the one who had asked for its link."""
        self._reply(event, NOT_YOURS)
        for held in foreign:
            if held.group_id != event.group_id:
                self._chat.send(held.bot_id, held.group_id, SAID_BY_ANOTHER)

    def _save(self, provider: Provider, held: HeldAnswer) -> Service:
        shared, data = held.answer["shared"], held.answer["data"]
        return save_connection(self._storage, provider, held, data, shared=shared)

    def _reply(self, event: Event, text: str) -> None:
        self._chat.send(event.bot_id, event.group_id, text)

    # ---- no code is said -------------------------------------------------------------------

    def delete_expired(self) -> int:
        """Delete the answers that were not confirmed in time; return how many there were."""
        count = 0
        while expired := self._storage.take_answers():
            self.revoke(expired)
            count += len(expired)
        return count

    def revoke(self, answers: Sequence[HeldAnswer]) -> None:
        """Revoke their tokens, where that ends no connection that counts."""
        for held in answers:
            if skill := self._skill_of(held):
                revoke_quietly(self._storage, skill.provider, held.answer["data"])

    def _skill_of(self, held: HeldAnswer) -> ServiceSkill | None:
        return next((one for one in self._skills if one.provider.name == held.provider), None)
