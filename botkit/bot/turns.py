"""Answer the messages that wait in the inbox, and say the replies that wait in the outbox.

Start with `Turns.take`: it runs the skills for one message.  What they reply is written in the same
transaction that deletes the message, and then said by `Turns.say`.

A turn may run again from its beginning: if the process dies, or if the chat or a provider asks us
to wait.  That is harmless until a request is sent that changes something.  From then on there is no
second turn, and the person is asked to look (see `botkit.storage.turn`).

Not here: which message comes next (`worker.py`), and what a skill does with it (`botkit.skills`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress

from botkit.bot.hosts import Hosts
from botkit.chat import Chat, Event
from botkit.errors import BotkitError, ChatBusy, ChatError, HostCrowded, StorageError, TryLater
from botkit.oauth import connections
from botkit.skills import EventHandler, run_skills
from botkit.storage import Claimed, Job, Storage, Turn, current_turn, do_job, in_turn

log = logging.getLogger("botkit")

OWN_TROUBLE = "Something went wrong inside the bot."
INTERRUPTED = (
    "I was interrupted while I did this. "
    "Please look whether it is done, and say it again if it is not."
)
TURN_SECONDS = 60.0  # for all requests of one turn together
MOST_TURNS = 3  # for one message; a message that ends the process each time is given up
LONGEST_WAIT = 3600.0  # seconds that a message may wait for others
LONGEST_SILENCE = 6 * 3600.0  # seconds that a reply may wait for the chat
CHAT_AGAIN = 5.0  # seconds, if the chat could not say something about itself
SAY_AGAIN, SAY_AGAIN_AT_MOST = 2.0, 60.0  # seconds; twice as long each time


def job_for(event: Event, key: str) -> Job:
    """Return the job for an event, in the lane of its chat.

    What concerns the bot as a whole can take long, and may be done twice without harm.  It is no
    turn, so it goes to the "do" threads.
    """
    if event.kind == "SubscriptionEnds":
        job = do_job("subscribe", event.bot_id)
    elif event.kind == "BotLeftGroup":
        job = do_job("leave", f"{event.bot_id}:{event.group_id}")
    elif event.kind == "BotRemoved":
        job = do_job("remove", event.bot_id)
    else:
        lane = f"in:{event.bot_id}:{event.group_id}"
        return Job("turn", lane, event.bot_id, dict(vars(event)), key)
    return Job(job.pool, job.lane, job.bot_id, job.body, key, once=True)


class Turns:
    """The work of the "turn" and the "say" threads, with the parts of a bot.

    `on_error` gets each error that is nobody's but ours, such as a mistake in a skill.  `overhear`
    gets the messages of a team that are not for the bot.
    """

    def __init__(
        self,
        storage: Storage,
        chat: Chat,
        skills: Sequence[EventHandler],
        on_error: Callable[[Exception], None],
        overhear: Callable[[Event], None] = lambda _: None,
    ) -> None:
        self._storage = storage
        self._messages = storage.messages
        self._chat = chat
        self._skills = skills
        self._overhear = overhear
        self._on_error = on_error
        self._hosts = Hosts(self._hurry)

    # ---- a message -----------------------------------------------------------------------------

    def take(self, job: Claimed) -> Claimed | None:
        """Run the skills for a message; return the first reply, claimed, if it can be said now.

        Raises `StorageError` or `ClaimLost`: then nothing has happened, and the message stays.
        """
        with in_turn(Turn(lambda: self._messages.begin(job), self._hosts.enter)) as turn:
            try:
                self._answer_once(job)
            except TryLater as wait:
                if self._age(job) < LONGEST_WAIT:
                    self._messages.later(job, min(wait.seconds, LONGEST_WAIT))
                    if isinstance(wait, HostCrowded):
                        self._hosts.wait(wait.host, job.lane)
                    return None
                log.warning("A message was given up, because it has waited for an hour.")
            finally:
                self._hosts.leave(turn.hosts)
        return self._messages.finish(job, turn.replies, claim_reply=True)

    def _answer_once(self, job: Claimed) -> None:
        bot_id, group_id = job.name
        if job.body is None:
            log.error("Message %s cannot be decrypted.", job.id)
        elif job.began is not None:
            log.warning("Message %s was interrupted, and is not answered a second time.", job.id)
            self._chat.send(bot_id, group_id, INTERRUPTED)
        elif job.tries > MOST_TURNS:
            log.error("Message %s was given up after %s tries.", job.id, MOST_TURNS)
            self._chat.send(bot_id, group_id, f"{OWN_TROUBLE} Please try again in a moment.")
        else:
            with connections.limited_to(TURN_SECONDS):
                self._answer(Event(**job.body))

    def _answer(self, event: Event) -> None:
        """Let the skills answer; an error becomes a reply, or, where that is no use, a wait."""
        try:
            if self._chat.is_for_bot(event):
                run_skills(self._skills, self._chat.with_group_type(event))
            else:
                self._overhear(event)
        except TryLater:
            raise
        except ChatBusy as error:
            if (turn := current_turn()) is not None:
                turn.wait(error.seconds or CHAT_AGAIN)
            log.warning("Work left undone: %s", error)
        except ChatError as error:  # then there is no way to say it in the chat
            log.warning("Work left undone: %s", error)
        except BotkitError as error:
            log.warning("A message was answered with an apology: %s", error)
            self._chat.send(event.bot_id, event.group_id, f"{error} {error.advice}")
        except Exception as error:
            self._on_error(error)
            sentence = f"{OWN_TROUBLE} Please try again in a moment."
            self._chat.send(event.bot_id, event.group_id, sentence)

    def _hurry(self, lane: str) -> None:
        with suppress(StorageError):  # it is due soon in any case
            self._messages.hurry("turn", lane)

    # ---- a reply -------------------------------------------------------------------------------

    def say(self, job: Claimed) -> None:
        """Say a reply, unless an earlier try has already said it.

        A process can die after RingCentral has taken a message and before that is written here.
        So a second try first looks at what the chat has.
        """
        bot_id, group_id = job.name
        if job.body is None:
            log.error("Reply %s cannot be decrypted.", job.id)
            return self._end(job)
        text = str(job.body["text"])
        try:
            since = job.began or job.created_at
            if job.tries == 1 or not self._chat.has_said(bot_id, group_id, text, since / 1000):
                self._chat.say(bot_id, group_id, text)
        except ChatBusy as error:
            if self._age(job) > LONGEST_SILENCE:
                log.warning("A reply was given up after six hours: %s", error)
                return self._end(job)
            if error.seconds:  # a penalty: it has certainly not been said, so this try is none
                return self._messages.later(job, error.seconds)
            pause = min(SAY_AGAIN * 2.0 ** (job.tries - 1), SAY_AGAIN_AT_MOST)
            return self._messages.later(job, pause, failed=True)
        except ChatError as error:
            log.warning("Work left undone: %s", error)
        return self._end(job)

    def _end(self, job: Claimed) -> None:
        self._messages.finish(job)

    def _age(self, job: Claimed) -> float:
        return (self._messages.now() - job.created_at) / 1000
