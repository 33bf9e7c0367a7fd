"""Keep the practice chats: who is in which chat, what was said, and who hears of it.

`ChatRoom` is the model alone.  `bot_user.py` adds the bot, `chat_api.py` the HTTP API and
`chat_page.py` the web page.  It is safe to use from any thread.
"""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Callable
from datetime import datetime

from botkit.practice.ringcentral.records import Chat, Person, Post
from botkit.practice.ringcentral.webhooks import Webhooks

PEOPLE = (Person("2101001", "Alice"), Person("2101002", "Bob"), Person("2101003", "Mallory"))
FIRST_CHAT_ID, FIRST_POST_ID = 6300001, 9000001
MAX_TEXT = 10_000  # characters, TMCreatePostRequest in RingCentral's API reference

_MENTION = re.compile(r"!\[:Person\]\((\d+)\)")
_AT_BOT = re.compile(r"(?<!\w)@bot\b", re.IGNORECASE)


class ChatRoom:
    """Three people and their chats.  `now` returns the time as an aware UTC datetime.

    `name` tells this chat from one that was at the same address before it.

    With `tells_later` the bot hears that it is in a chat when a person writes or reads there first,
    and then `told` is called, which may wait for its greeting.  Most tests use one chat.
    """

    def __init__(self, *, now: Callable[[], datetime]) -> None:
        self.now = now
        self.name = secrets.token_hex(4)
        self.is_over = False
        self.page_key = ""
        self.bot: Person | None = None
        self.webhooks = Webhooks(now)
        self._people = {person.id: person for person in PEOPLE}
        self._newcomers: list[Person] = []
        self._chats: dict[str, Chat] = {}
        self._posts: dict[str, list[Post]] = {}
        self._next_chat, self._newest = FIRST_CHAT_ID, FIRST_POST_ID - 1
        self.tells_later = False
        self.told: Callable[[], object] = lambda: None
        self._untold: dict[str, Chat] = {}
        self._changed = threading.Condition()
        everyone = tuple(self._people)
        self._open_chat("Team", "Team", everyone)
        self._open_chat("Everyone", "All Employees", everyone)

    # ---- what people do ------------------------------------------------------------------------

    def say(self, person: str, text: str, chat: str = "Team") -> Post:
        """Write `text` as `person`; `@bot` in it becomes a mention.

        `chat` is "Team", "All Employees", a chat's id, or "direct": the person's chat with the bot.
        Raises `ValueError` for an unknown person or chat, and for a text that RingCentral refuses.
        """
        someone = self.person(person)
        place = self.find_chat(chat, someone)
        self.tell_of(place)
        with self._changed:
            if self.bot and self.bot.id in place.members:
                text = _AT_BOT.sub(f"![:Person]({self.bot.id})", text)
            return self.write(place, someone, text)

    def transcript(self) -> dict[str, list[tuple[str, str]]]:
        """Return what was said in each chat, oldest first: pairs of a name and a text."""
        return {
            self._title(chat): [(post.creator, post.text) for post in self.posts_in(chat)]
            for chat in list(self._chats.values())
        }

    def _title(self, chat: Chat) -> str:
        names = [self._people[one].name for one in chat.members if one in self._people]
        return chat.name or " and ".join(names)

    def posts(
        self, chat: str = "Team", person: str = "Alice", *, since: str | None = None
    ) -> list[Post]:
        """Return what `person` sees in the chat, oldest first.

        With `since` only what came after it.
        """
        place = self.find_chat(chat, self.person(person))
        self.tell_of(place)
        posts = self.posts_in(place)
        return [post for post in posts if since is None or int(post.id) > int(since)]

    def leave_team(self, person: str) -> None:
        """Let one of the people leave the Team; bots do not hear of that."""
        with self._changed:
            someone = self.person(person)
            team = self.find_chat("Team", someone)
            self._change_members(team, tuple(one for one in team.members if one != someone.id))

    def person(self, name: str) -> Person:
        """Return one of the people by name; `ValueError` when there is no such person."""
        for person in (*PEOPLE, *self._newcomers):
            if person.name == name:
                return person
        raise ValueError(f"There is nobody called {name!r} here, only Alice, Bob and Mallory.")

    # ---- what the API and the page ask ---------------------------------------------------------

    def chats_of(self, person: Person) -> list[Chat]:
        """Return the chats that this person is a member of."""
        with self._changed:
            return [chat for chat in self._chats.values() if person.id in chat.members]

    def find_chat(self, chat: str, person: Person) -> Chat:
        """Return a chat by name, by id or as "direct".

        `ValueError` when the person is in no such chat.
        """
        for one in self.chats_of(person):
            if chat in (one.id, one.name) or (chat == "direct" and one.type == "Direct"):
                return one
        if chat == "direct":
            raise ValueError(
                f'{person.name} has no direct chat with the bot. Use chat="Team", and write @bot.'
            )
        raise ValueError(f"{person.name} is in no chat called {chat!r}.")

    def open_conversation(self, opener: Person, others: list[str]) -> Chat:
        """Return the chat of `opener` and these people, by their ids; open it if there is none.

        Nobody joins it later, so nobody hears GroupJoined.  `ValueError` for an unknown person.
        """
        with self._changed:
            members = {opener.id, *others}
            if not members <= set(self._people) or len(members) < 2:
                raise ValueError("A conversation has two members at least, and they exist.")
            type_ = "Direct" if len(members) == 2 else "Group"
            for chat in self._chats.values():
                if chat.type == type_ and set(chat.members) == members:
                    return chat
            self._next_change()
            return self._open_chat(type_, None, tuple(dict.fromkeys([opener.id, *others])))

    def posts_in(self, chat: Chat) -> list[Post]:
        """Return all posts of a chat, oldest first."""
        with self._changed:
            return list(self._posts.get(chat.id, ()))

    def write(self, chat: Chat, creator: Person, text: str) -> Post:
        """Add a post; the bot hears of it if it is in the chat, also when it wrote it itself."""
        if not text.strip():
            raise ValueError("A message cannot be empty.")
        if len(text) > MAX_TEXT:
            raise ValueError(f"A message has at most {MAX_TEXT:,} characters, not {len(text):,}.")
        with self._changed:
            named = dict.fromkeys(_MENTION.findall(text))
            mentions = tuple(self._people[one] for one in named if one in self._people)
            id_ = str(self._next_change())
            post = Post(id_, chat.id, creator.id, creator.name, text, mentions, self.now())
            self._posts.setdefault(chat.id, []).append(post)
            if self.bot and self.bot.id in chat.members:
                body = post.shape() | {"eventType": "PostAdded"}
                self.webhooks.publish(self.bot.id, "posts", body)
            return post

    def wait_for_change(self, since: int, timeout: float) -> int:
        """Return the number of the newest change; wait for one while it is `since`."""
        with self._changed:
            self._changed.wait_for(lambda: self._newest != since or self.is_over, timeout)
            return self._newest

    def end(self) -> None:
        """Let nobody wait any longer for news."""
        with self._changed:
            self.is_over = True
            self._changed.notify_all()

    def tell_of(self, *chats: Chat) -> None:
        """Tell the bot that it is in these chats, if that was put off."""
        with self._changed:
            new = [chat for chat in chats if self._untold.pop(chat.id, None)]
            for chat in new:
                self._tell(chat)
        if new:
            self.told()

    # ---- who is in a chat ----------------------------------------------------------------------

    def _open_chat(self, type_: str, name: str | None, members: tuple[str, ...]) -> Chat:
        now = self.now()
        chat = Chat(str(self._next_chat), type_, name, members, now, now)
        self._next_chat += 1
        self._chats[chat.id] = chat
        return chat

    def _enter(self, chat: Chat, bot: Person) -> None:
        """Make the bot a member, and tell it: only the one who joins gets GroupJoined."""
        members = chat.members if bot.id in chat.members else (*chat.members, bot.id)
        self._change_members(chat, members)
        if self.tells_later:
            self._untold[chat.id] = chat
        else:
            self._tell(chat)

    def _tell(self, chat: Chat) -> None:
        if self.bot:
            body = chat.in_old_shape() | {"eventType": "GroupJoined"}
            self.webhooks.publish(self.bot.id, "groups", body)

    def _leave(self, chat: Chat, bot: Person) -> None:
        """Remove the bot from the members, and tell it."""
        self._change_members(chat, tuple(one for one in chat.members if one != bot.id))
        self.webhooks.publish(bot.id, "groups", chat.in_old_shape() | {"eventType": "GroupLeft"})

    def _change_members(self, chat: Chat, members: tuple[str, ...]) -> None:
        chat.members, chat.modified = members, self.now()
        self._next_change()

    def _next_change(self) -> int:
        """Count one change that people can see; a post takes this number as its id."""
        self._newest += 1
        self._changed.notify_all()
        return self._newest
