"""Describe each arrow of the drawing: a few words, and a sentence below.

Start with `caption`.  `REQUESTS` and `ANSWERS` are tables of rules, and the first that fits counts.
The values are labels already: `botkit.trace` redacts them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botkit.lessons.presenter.gate import is_answer
from botkit.trace import LEFT_OUT_FIELDS, Exchange, shorten

LONGEST_TITLE = 30  # characters; the page cuts what is too long for its arrow
MOST_FIELDS = 3
SIX_DIGITS = r"\b\d{3}[ -]?\d{3}\b"


@dataclass(frozen=True)
class Rule:
    """The words for one kind of message.

    `ends` names its sender and receiver, where `*` is any service.  `when` has patterns of its
    fields. `failed` is True for refusals, False for successes and None for both.  `title` and
    `sentence` are its words: `{them}` is replaced with the service's name, and a field's name in
    braces with its value.  `fields` are those to show, in their order.
    """

    ends: str
    when: Mapping[str, str]
    title: str
    sentence: str
    fields: Sequence[str] = ()
    method: str = ""
    failed: bool | None = field(default=None)  # None: either


REQUESTS = (
    Rule("chat → bot", {"text": "^‹six digits›$"}, "‹six digits›",
         "The chat tells the bot the six digits: who approved is who asked.", ["text"]),
    Rule("chat → bot", {"text": ""}, "“{text}”",
         "The chat tells the bot what was written.", ["text"]),
    Rule("bot → chat", {"link": "", "state": ""}, "the auth link",
         "The bot sends the auth link. It leads to {them}, not to the bot.", ["link", "state"]),
    Rule("bot → chat", {"text": "^Connected"}, "“Connected”",
         "The bot says in the chat whose account is connected.", ["text"]),
    Rule("bot → chat", {"text": "profile:"}, "the profile",
         "The bot shows the profile in the chat.", ["text"]),
    Rule("bot → chat", {"text": ""}, "an answer",
         "The bot writes into the chat.", ["text"]),
    Rule("bot → chat", {}, "who is there?",
         "The bot asks the chat about its members.", ["Authorization"], "GET"),
    Rule("browser → *", {"response_type": "code"}, "opens the link",
         "The browser opens the consent page at {them}. The bot is not there.",
         ["scope", "state"], "GET"),
    Rule("browser → *", {"decision": "approve"}, "Approve",
         "The person says yes. Only {them} hears it.", ["account", "decision"], "POST"),
    Rule("browser → *", {"decision": ""}, "{decision}",
         "The person says no. Only {them} hears it.", ["account", "decision"], "POST"),
    Rule("browser → bot", {"code": ""}, "no, says the bot",
         "The browser brings the code, but the bot refuses it. Its page says why.",
         ["code", "state"], failed=True),
    Rule("browser → bot", {"code": ""}, "‹code›",
         "The browser brings the code to the bot. This is the callback.", ["code", "state"]),
    Rule("browser → bot", {"error": ""}, "a no",
         "The browser brings no code but a no. Nothing is connected.", ["error", "state"]),
    Rule("bot → *", {"grant_type": "authorization_code"}, "‹code› + ‹secret›",
         "The bot takes the code to {them}, with its secret. No browser sees this.",
         ["code", "client_secret", "code_verifier"]),
    Rule("bot → *", {"grant_type": "refresh_token"}, "‹refresh› + ‹secret›",
         "The bot asks {them} for a new token.", ["refresh_token", "client_secret"]),
    Rule("bot → *", {}, "forget the token",
         "The bot tells {them} to forget the connection.", method="DELETE"),
    Rule("bot → GitHub", {"Authorization": "Bearer"}, "‹token›: profile?",
         "The bot asks GitHub’s API for the profile. The token goes in a header.",
         ["Authorization"], "GET"),
    Rule("bot → *", {"Authorization": "Bearer"}, "‹token›, please",
         "The bot calls the API of {them}. The token goes in a header.", ["Authorization"]),
)  # fmt: skip
ANSWERS = (
    Rule("browser → *", {"Location": "", "code": ""}, "‹code›",
         "{them} sends the browser back to the bot, with a code.", ["code", "state"]),
    Rule("browser → *", {"Location": "", "error": ""}, "a no",
         "{them} sends the browser back to the bot, without a code.", ["error", "state"]),
    Rule("bot → *", {"access_token": ""}, "‹token›",
         "{them} gives the bot a token. It never goes through the browser.",
         ["access_token", "refresh_token", "scope"]),
    Rule("bot → *", {"error": ""}, "no",
         "{them} refuses. Nothing is given.", ["error", "error_description"]),
    Rule("bot → *", {"login": ""}, "{login}",
         "{them} answers with the profile of the person who approved.", ["login", "name"]),
)  # fmt: skip


def caption(message: Exchange, *, answer: bool) -> dict[str, Any]:
    """Return the words for a request, or for the `answer` to it, for the page."""
    ends = message.sender, message.receiver
    there = {name: _plain(value) for name, value in (message.answer if answer else message.fields)}
    rule = _rule(message, there, ANSWERS if answer else REQUESTS)
    words = there | {"them": _them(message, there)}
    names = [name for name in rule.fields or there if name in there and name not in LEFT_OUT_FIELDS]
    fields = [[name, there[name]] for name in dict.fromkeys(names)][:MOST_FIELDS]
    if message.error:
        fields = [["no answer", message.error]]
    return {
        "from": ends[1] if answer else ends[0],
        "to": ends[0] if answer else ends[1],
        "style": "answer" if answer else message.channel,
        "title": _fill(rule.title, words)[:LONGEST_TITLE],
        "sentence": _fill(rule.sentence, words),
        "fields": fields,
        "trouble": message.error or (str(message.status) if has_failed(message) else ""),
    }


def has_failed(message: Exchange) -> bool:
    """Return whether a message is an answer that is an error."""
    return is_answer(message) and (bool(message.error) or (message.status or 0) >= 400)


def _rule(message: Exchange, there: Mapping[str, str], rules: Sequence[Rule]) -> Rule:
    for rule in rules:
        sender, receiver = rule.ends.split(" → ")
        if (
            sender == message.sender
            and receiver in ("*", message.receiver)
            and rule.method in ("", message.method)
            and rule.failed in (None, has_failed(message))
            and all(re.search(how, there.get(name, "")) for name, how in rule.when.items())
            and rule.when.keys() <= there.keys()
        ):
            return rule
    ends = f"{message.sender} → {message.receiver}"
    if rules is ANSWERS:
        return Rule(ends, {}, "an answer", f"An answer comes from {message.receiver}.")
    sentence = f"A request goes from {message.sender} to {message.receiver}."
    return Rule(ends, {}, f"{message.method} {message.path.rpartition('/')[2]}", sentence)


def _them(message: Exchange, there: Mapping[str, str]) -> str:
    """Return the service in the sentence: that of the link, or the receiver."""
    named = re.match("‹([^‹›]+)›", there.get("link", ""))
    return named[1] if named else message.receiver


def _plain(value: str) -> str:
    """Return a value without the chat's Markdown and without the six digits."""
    return re.sub(SIX_DIGITS, "‹six digits›", re.sub(r"\*\*|!\[:Person\]\(\d+\)\s*", "", value))


def _fill(words: str, values: Mapping[str, str]) -> str:
    """Put the values in their places.

    A word such as `‹code›` becomes the label that it has this time.
    """
    words = re.sub(r"\{(\w+)\}", lambda found: shorten(values.get(found[1], "")), words)
    labels = [label for value in values.values() for label in re.findall("‹[^‹›]+·\\d+›", value)]
    for label in labels:
        words = words.replace(f"‹{label[1:].partition('·')[0]}›", label)
    return words
