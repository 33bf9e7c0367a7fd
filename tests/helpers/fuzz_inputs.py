"""What strangers, people and services may send: made up, and mostly wrong.

What is planted here must never be seen again: secrets, and markup that a page must not show as it
is.
"""

from __future__ import annotations

import json
from urllib.parse import urlencode

from hypothesis import strategies as st

BOT, ALICE, DIRECT, TEAM = "1001", "2002", "3003", "4004"
CHAT, ADDRESS = "https://chat.example", "https://bot.example"
PLACES = ("github", "google", "ringcentral_app")
SERVICES = ("GitHub", "GoogleDrive", "GoogleSheets", "RingCentral")
WORD = "zz9plural"
MARKUP = f'"><script>{WORD}</script>'
MENTION = "![:Person](666)"  # in a chat it would call somebody
TOKEN, REFRESH, BOT_TOKEN = "planted-access-t0ken", "planted-refresh-t0ken", "planted-bot-t0ken"
VERIFY, KEY = "planted-verification-t0ken", "cGxhbnRlZC1rZXktcGxhbnRlZC1rZXktcGxhbnRlZC0="
CODE = "good-code"

# What a stranger may write, and any JSON that holds it.
letters = st.text(st.characters(codec="utf-8"), max_size=40)
texts = st.sampled_from(
    [MARKUP, MENTION, f"{MENTION}[a](https://b.example)", "", "\0", "🫖 \u202e"]
)
texts = texts | letters | letters.map(lambda text: text + MARKUP) | letters.map(MENTION.join)
halves = st.sampled_from(["\ud800", f"a\udfff{MARKUP}"])  # JSON may hold half characters
simple = st.none() | st.booleans() | st.integers() | st.floats() | texts | halves
numbers = st.sampled_from([0, -1, 10**18, 10**400, 1e308, 2**63, "9" * 30, float("inf")])
values = st.recursive(
    simple | numbers,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


def perhaps(good, bad=values):
    """Two times in three as it should be; `|` would count each kind of `bad` like the good one."""
    which = st.sampled_from([st.just(good), st.just(good), bad])
    return which.flatmap(lambda one: one)


NAME = f"Alice{MARKUP}{MENTION}"  # even where all is well, people are called like this
HEALTHY = {
    **{"id": 7, "login": NAME, "sub": "7", "name": NAME, "email": NAME, "bio": NAME},
    **{"contact": {"firstName": NAME}, "serviceInfo": {"brand": {"name": NAME}}},
    **{"startPageToken": "1", "newStartPageToken": "2", "changes": [], "files": []},
    **{"resourceId": "r", "properties": {"title": NAME}, "range": "Sheet1!A1:B2"},
    **{"sheets": [{"properties": {"title": NAME, "sheetId": 0}}], "values": [[NAME, 1]]},
    **{"userStatus": "Busy", "dndStatus": "TakeAllCalls", "presenceStatus": "Busy"},
}


# ---- an answer ---------------------------------------------------------------------------------

statuses = st.sampled_from([200] * 12 + [201, 204, 301, 302, 303, 307, 400, 401, 403, 404, 409])
statuses |= st.sampled_from([410, 429, 500, 502, 503, 504]) | st.integers(200, 599)
header = st.text(st.characters(codec="latin-1", exclude_characters="\r\n\0"), max_size=20)
kinds = st.sampled_from(["application/json", "application/x-www-form-urlencoded", "text/html"])
headers = st.fixed_dictionaries(
    {},
    optional={
        "Content-Type": kinds | st.just("application/json; charset=utf-99") | header,
        "Content-Encoding": st.sampled_from(["gzip", "deflate", "br", "x"]),
        "Location": st.sampled_from(["/", "http://[", "https://evil.example/a", "//", "http://:x"])
        | header,
        "Retry-After": st.sampled_from(["0", "5", "9999999999999", "-1", "²", "nan"])
        | st.sampled_from(["Mon, 01 Jan 0001 00:00:00 +1400", "Fri, 31 Dec 9999 23:59:59 -1200"])
        | header,
        "X-RateLimit-Remaining": st.sampled_from(["0", "1"]),
        "X-RateLimit-Reset": header | st.sampled_from(["1", "999999999999"]),
        "WWW-Authenticate": header,
        "Set-Cookie": header,
    },
)
moments = st.sampled_from(["2026-11-24T09:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31"])


GONE = "(gone)"
odd = st.sampled_from([st.sampled_from([MARKUP, MENTION, GONE]), moments, values]).flatmap(
    lambda one: one
)


def object_of(good):
    """As it should be, but for some of its members, which are odd or missing."""
    spoiled = st.dictionaries(st.sampled_from(sorted(good)), odd, max_size=4)
    together = spoiled.map(lambda members: good | members)
    return together.map(lambda one: {name: it for name, it in one.items() if it != GONE})


def answers_of(good):
    """(status, headers, body); None is an answer that is quite in order."""
    body = perhaps(good, object_of(good)).map(lambda value: json.dumps(value).encode())
    body |= (object_of(good) | values).map(lambda value: json.dumps(value).encode())
    form = st.dictionaries(st.sampled_from(list(good)), texts).map(lambda f: urlencode(f).encode())
    plain = st.just({"Content-Type": "application/json"})
    huge = [(200, {}, b"[" * 100_000), (200, {}, b"1" * 5000), (200, {}, b"x" * 2**20)]
    kinds_of_answer = [
        st.none(),
        st.tuples(st.just(200), plain, body),
        st.tuples(statuses, plain | headers, body),
        st.tuples(statuses, headers, form | st.binary(max_size=40)),
    ]
    several = st.sampled_from([*kinds_of_answer, *kinds_of_answer, st.sampled_from(huge)])
    return several.flatmap(lambda one: one)
