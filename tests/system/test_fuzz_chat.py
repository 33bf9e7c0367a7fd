"""Whatever people write, and whatever an old database holds: an answer in the chat, no error."""

from __future__ import annotations

import json
import os

import pytest

if os.environ.get("CI") != "true":  # there it has to be installed
    pytest.importorskip("hypothesis", reason="tests/requirements.txt installs hypothesis")
from fuzz_inputs import (
    ALICE,
    BOT,
    BOT_TOKEN,
    DIRECT,
    KEY,
    MENTION,
    REFRESH,
    SERVICES,
    TEAM,
    TOKEN,
    VERIFY,
    letters,
    perhaps,
    texts,
    values,
)
from fuzz_world import World
from hypothesis import given
from hypothesis import strategies as st

from botkit.storage import Service

NOW = "2026-11-24 09:00:00.000 +00:00"


@pytest.fixture
def world(tmp_path, clock, monkeypatch):
    world = World(tmp_path, clock, monkeypatch)
    yield world
    world.close()


# ---- what people write -------------------------------------------------------------------------

SHEET_ID = "1aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789abcdefg"
WORDS = (
    "sheet sheets use read add set A1 A1:C5 'My Tab'!A:B B2 \"\" a, =1+1 ZZZZ9 A99999999 0 -1,5 "
    f"https://docs.google.com/spreadsheets/d/{SHEET_ID}/edit#gid=0 http://[ bind unbind about "
    "drive google profile github connect disconnect help ringcentral company info my business "
    "hours caller id presence notifications billing plan time zone set turn switch on off do not "
    "disturb busy offline email sms voicemail missed calls faxes texts what is please ! . ? 000 "
    "123456 12 [code] [/code] __updateToken__ ** ’ “ ” \u00a0 \t \n"
)
COMMANDS = f"""help|profile|bind|about|unbind|sheet read|sheet add a, b|sheet set B2 x|help drive|
help sheets|help ringcentral|help presence|connect|disconnect|disconnect github|set presence busy|
connect google sheets|personal info|email voicemail on|sheet use {SHEET_ID}|000 000|hours"""
words = st.sampled_from(WORDS.split(" "))
sentences = st.lists(words | letters, min_size=1, max_size=6).map(" ".join)
known = st.sampled_from(COMMANDS.replace("\n", "").split("|"))
messages = known | sentences | st.tuples(known, texts).map(" ".join) | texts
messages |= st.sampled_from(["x" * 20_000, "sheet add " + "1," * 9_000, "\n" * 500, "[" * 5_000])


def answered(world, text, group=DIRECT):
    """Say it, and see that there is an answer; return what the bot said."""
    told = len(world.posts)
    assert world.say(text, group=group).status_code == 200
    world.check()
    said = world.posts[told:]
    places = {where for where, _ in said}
    assert group in places and places <= {group, DIRECT}, "the bot was silent"
    assert all(0 < len(one) <= 10_000 and one.encode() for _, one in said)
    return "\n".join(one for _, one in said)


@given(st.lists(messages, min_size=1, max_size=3))
def test_every_message_of_a_stranger_is_answered(world, said):
    world.fresh()
    for text in said:
        assert MENTION not in answered(world, text)
        assert world.tables()["services"] == []


@given(st.lists(messages, min_size=1, max_size=3), st.booleans(), st.booleans())
def test_every_message_of_a_connected_person_is_answered(world, said, sheet, old):
    world.fresh()
    chosen = {"sheet": {"id": "a" * 44, "title": "Budget", "tab": "Sheet1"}} if sheet else {}
    expires = {"expiresAt": world.clock().isoformat(), "refreshToken": REFRESH} if old else {}
    for name in SERVICES:
        world.connect(name, **chosen, **expires)
    for text in said:
        assert MENTION not in answered(world, text)


@given(messages, st.sampled_from(["before", "after", "both", "none"]))
def test_in_a_team_only_what_mentions_the_bot_is_answered(world, text, where):
    world.fresh()
    mention = f"![:Person]({BOT})"
    if where != "none":
        before, after = where in ("before", "both"), where in ("after", "both")
        text = f"{mention * before} {text} {mention * after}"
        answered(world, text, TEAM)
    else:
        world.say(text.replace(BOT, ""), group=TEAM)
        world.check()
        assert world.posts == []


@given(st.lists(perhaps("<code>", perhaps("000 001", messages)), min_size=1, max_size=7))
def test_no_message_but_the_code_confirms_a_connection(world, said):
    world.fresh()
    state = world.state_for("GitHub")
    page = world.client.get(f"/github/oauth?state={state}&code=good-code")
    world.check(page)
    code = page.get_data(as_text=True).partition('class="code">')[2][:7]
    for text in said:
        right = text == "<code>"
        waits = "SELECT answer FROM authorizations WHERE answer IS NOT NULL AND answer <> 'null'"
        waited, before = bool(world.execute(waits)), len(world.tables()["services"])
        answered(world, code if right else text)
        rows = len(world.tables()["services"])
        digits = "".join(filter(str.isdigit, text))
        assert (
            rows == before + (right and waited)
            or digits == code.replace(" ", "")
            or (rows < before and "disconnect" in text.lower())
        )


# ---- what an old database holds ----------------------------------------------------------------

tokens = st.sampled_from([TOKEN, "", "two words", "half \ud800", "\xe4"]) | values
members = st.fixed_dictionaries(
    {},
    optional={
        "accessToken": tokens,
        "refreshToken": tokens,
        "expiresAt": values
        | st.sampled_from(["2026-11-24", "0001-01-01T00:00+14:00", NOW])
        | st.sampled_from(["9999-12-31T23:59:59-12:00", "0001-01-01", "9999-12-31T23:59"]),
        "scope": values,
        "account": values | st.fixed_dictionaries({}, optional={"id": values, "name": values}),
        "tokens": values | st.fixed_dictionaries({"access_token": tokens, "refresh_token": tokens}),
        "token": values,
        "needsReconnect": values,
        "sheet": values | st.fixed_dictionaries({"id": values, "title": values, "tab": values}),
        "pageToken": values,
        "files": values | st.dictionaries(texts, st.lists(values, max_size=3), max_size=2),
        "watchedSince": values,
        "watchedAccount": values,
        "channels": values
        | st.lists(st.fixed_dictionaries({"id": values, "token": values, "expires": values})),
        "claimedUntil": values,
        "watchedUntil": values,
    },
)
connected = members.map(lambda more: {"accessToken": TOKEN, **more})
kept = members | connected | values | st.just({"sealed": "gAAAAABp"}) | st.just({"sealed": 5})
spoken = {
    "GitHub": ["profile", "disconnect github"],
    "GoogleDrive": ["bind", "unbind"],
    "GoogleSheets": ["sheet read", "sheet set B2 x", "connect sheets", "disconnect sheets"],
    "RingCentral": ["personal info", "set presence busy", "disconnect ringcentral"],
}


@given(kept)
def test_the_properties_of_a_row_of_any_shape_are_what_they_say(data):
    row = Service(id=1, name="GitHub", data=data)
    assert isinstance(row.access_token, str | None) and isinstance(row.refresh_token, str | None)
    assert isinstance(row.account, dict) and isinstance(repr(row), str)
    assert row.expires_at is None or row.expires_at.tzinfo is not None
    assert TOKEN not in repr(row) and KEY not in repr(row)


@given(st.sampled_from(SERVICES), kept, st.sampled_from([ALICE, "", None]), st.booleans())
def test_whatever_an_old_row_holds_a_message_is_answered(world, name, data, user, revoked):
    world.fresh()
    row = "INSERT INTO services (name, botId, groupId, userId, data, createdAt, updatedAt)"
    user = user if name != "GoogleDrive" else (user and "")
    for_row = (name, BOT, DIRECT, user, json.dumps(data), NOW, NOW)
    world.execute(f"{row} VALUES (?, ?, ?, ?, ?, ?, ?)", *for_row)
    if revoked:
        world.answers["api"] = world.answers["account"] = [(401, {}, b"")] * 9
    for text in spoken[name]:
        answered(world, text)


@given(values | st.fixed_dictionaries({"verificationToken": values, "next": values}), values)
def test_whatever_an_old_bot_holds_nobody_is_believed_without_its_token(world, data, token):
    world.fresh()
    statement = "UPDATE bots SET data = ?, token = ? WHERE id = ?"
    world.execute(statement, json.dumps(data), json.dumps(token), BOT)
    before = world.tables()
    response = world.say("help")
    world.check(response)
    assert response.status_code == 401 and world.tables() == before and not world.posts
    fitting = {"verificationToken": VERIFY, "subscriptionId": data}
    world.execute(statement, json.dumps(fitting), json.dumps(token), BOT)
    world.check(world.say("help"))
    assert BOT_TOKEN not in str(world.posts)
