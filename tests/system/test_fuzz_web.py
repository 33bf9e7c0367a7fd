"""Whatever comes to the bot's addresses: no error of our own, nothing repeated, nothing written.

A failure shows the smallest input that makes it.  How many are tried: see fuzz_world.py.
"""

from __future__ import annotations

import json
import os
from urllib.parse import quote, quote_from_bytes

import pytest

if os.environ.get("CI") != "true":  # there it has to be installed
    pytest.importorskip("hypothesis", reason="tests/requirements.txt installs hypothesis")
import test_fuzz_answers
import test_fuzz_chat
from fuzz_inputs import (
    ALICE,
    BOT,
    BOT_TOKEN,
    CODE,
    DIRECT,
    MARKUP,
    SERVICES,
    VERIFY,
    WORD,
    perhaps,
    texts,
    values,
)
from fuzz_world import World, settings
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.internal.detection import is_hypothesis_test

SLUGS = {"github": "GitHub", "google": "GoogleDrive", "google-sheets": "GoogleSheets"}
SLUGS |= {"ringcentral": "RingCentral"}


@pytest.fixture
def world(tmp_path, clock, monkeypatch):
    world = World(tmp_path, clock, monkeypatch)
    yield world
    world.close()


def test_the_night_tries_20000_inputs_and_ci_500():
    modules = [globals(), vars(test_fuzz_answers), vars(test_fuzz_chat)]
    tests = [one for module in modules for one in module.values() if is_hypothesis_test(one)]
    assert len(tests) * settings.get_profile("ci").max_examples >= 500
    assert len(tests) * settings.get_profile("nightly").max_examples >= 20_000


# ---- the callback ------------------------------------------------------------------------------

# What stands for a state is put in later: a link that waits, is used, is old, or another service's.
STATES = st.sampled_from(["{waiting}", "{used}", "{late}", "{foreign}"])
NAMES = st.sampled_from(["code", "state", "error", "iss", "error_description", "scope", "co%64e"])
encoded = (
    texts.map(lambda text: quote(text, safe=""))
    | texts.map(lambda text: quote(text, safe="", encoding="utf-16"))
    | st.binary(max_size=20).map(quote_from_bytes)
    | st.binary(max_size=20).map(lambda raw: raw.decode("latin-1"))
    | st.sampled_from(["%", "%u0041", "a" * 60_000, "+", "https://github.example/login/oauth"])
    | st.sampled_from(["access_denied", "redirect_uri_mismatch", WORD, quote(MARKUP)])
)
pairs = st.tuples(NAMES | encoded, encoded | st.just(CODE)) | st.tuples(st.just("state"), STATES)
likely = st.tuples(st.just(f"code={CODE}&state={{waiting}}"), st.lists(pairs, max_size=2)).map(
    lambda two: [*(f"{name}={value}" for name, value in two[1]), two[0]]
)
queries = st.one_of(
    st.lists(pairs.map("=".join), max_size=6),
    likely,
    st.binary(max_size=80).map(lambda raw: [raw.decode("latin-1")]),
).flatmap(lambda parts: st.permutations(parts).map("&".join))


def open_callback(world, slug, query, method="GET", **headers):
    """The answer to a request with this query, byte for byte; and the tables before it."""
    name = SLUGS.get(slug, "GitHub")
    late = world.state_for(name)
    world.clock.advance(minutes=11)
    used = world.state_for(name)
    world.storage.claim_authorization(used, provider=name)
    foreign = world.state_for(SERVICES[SERVICES.index(name) - 1])
    states = {"late": late, "used": used, "foreign": foreign, "waiting": world.state_for(name)}
    for which, state in states.items():
        query = query.replace(f"{{{which}}}", state)
    before = world.tables()
    response = world.client.open(
        f"/{slug}/oauth",
        method=method,
        headers=headers,
        environ_overrides={"QUERY_STRING": query},
    )
    return response, before


@given(st.sampled_from([*SLUGS, "nobody", "GitHub", MARKUP]), queries, st.data())
def test_no_query_of_a_callback_harms_the_bot(world, slug, query, data):
    world.fresh()
    method = data.draw(st.sampled_from(["GET", "GET", "GET", "HEAD", "POST", "PUT"]))
    purpose = data.draw(st.sampled_from(["", "", "prefetch", MARKUP]))
    response, before = open_callback(world, slug, query, method, **{"Sec-Purpose": purpose})
    world.check(response)
    after = world.tables()
    assert (after["services"], after["bots"]) == (before["services"], before["bots"])
    if response.status_code != 200:  # the page for a good one shows whose account it is
        assert WORD not in response.get_data(as_text=True)
        assert_only_claimed(world, before["authorizations"], after["authorizations"], query)


def assert_only_claimed(world, before, after, query):
    """A refused callback makes no row; at most it uses up the link whose state it brings."""
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert len(changed) <= ("{waiting}" in query or "{foreign}" in query)
    columns = [name for _, name, *_ in world.execute("PRAGMA table_info(authorizations)")]
    for old, new in changed:
        differ = {name for name, one, two in zip(columns, old, new, strict=True) if one != two}
        assert differ == {"claimedAt"}


@given(queries)
def test_no_query_of_an_install_harms_the_bot(world, query):
    world.fresh()
    before = world.tables()
    url = {"QUERY_STRING": query.replace("{waiting}", world.state_for("GitHub"))}
    before = world.tables()
    response = world.client.get("/bot/oauth", environ_overrides=url)
    world.check(response)
    assert response.status_code >= 400 and world.tables() == before
    assert WORD not in response.get_data(as_text=True)


# ---- what RingCentral and Google deliver -------------------------------------------------------

header = st.text(st.characters(codec="latin-1", exclude_characters="\r\n\0"), max_size=30)
header = header | st.sampled_from([VERIFY, VERIFY[:-1], MARKUP, "a" * 300, "sync"])
media = st.sampled_from(["application/json", "application/x-www-form-urlencoded", "", "a/b;c=\xff"])
media = media | st.just("multipart/form-data; boundary=x") | header
events = st.sampled_from(["PostAdded", "GroupJoined", "GroupLeft", "Delete", "PostRemoved"])
bodies = st.fixed_dictionaries(
    {"eventType": events, "groupId": perhaps(DIRECT), "creatorId": perhaps(ALICE)},
    optional={
        "id": perhaps(DIRECT),
        "text": perhaps("help"),
        "type": perhaps(
            "TextMessage", st.sampled_from(["Direct", "Team", "PersonalChat"]) | values
        ),
        "extensionId": perhaps(BOT),
        "members": values,
    },
)
envelopes = st.fixed_dictionaries(
    {"ownerId": perhaps(BOT), "body": bodies},
    optional={"uuid": values, "event": perhaps("/restapi/v1.0/subscription/~?a=b")},
)
as_bytes = st.one_of(
    st.binary(max_size=60),
    envelopes.map(lambda value: json.dumps(value).encode()),
    envelopes.map(lambda value: json.dumps({**value, "body": 7}).encode()),
    values.map(lambda value: json.dumps(value).encode()),
    envelopes.map(lambda value: json.dumps(value).encode("utf-16")),
    st.sampled_from([b"[" * 100_000, b'{"a":' * 100_000, b"1" * 5_000, b"x" * 2**20 + b"x"]),
)


@given(as_bytes, header, media, header.filter(lambda text: text != VERIFY))
def test_no_delivery_of_a_stranger_is_believed(world, body, token, kind, validation):
    world.fresh()
    token = "" if token == VERIFY else token
    kind = kind if body else "application/json"  # werkzeug's client would make a body of its own
    before = world.tables()
    headers = {"Verification-Token": token, "Validation-Token": validation, "Content-Type": kind}
    response = world.client.post("/bot/webhook", data=body, headers=headers)
    world.check(response)
    assert (response.status_code == 200) == (body == b"")
    assert world.tables() == before and not world.posts
    assert WORD not in response.get_data(as_text=True)


@given(envelopes)
def test_no_delivery_of_ringcentral_makes_an_error(world, envelope):
    world.fresh()
    body, headers = json.dumps(envelope).encode(), {"Verification-Token": VERIFY}
    before = world.tables()
    response = world.client.post("/bot/webhook", data=body, headers=headers)
    world.check(response)
    if response.status_code != 200:
        assert world.tables() == before and not world.posts


@given(as_bytes, perhaps(BOT_TOKEN), perhaps("chatbot-id"), media)
def test_no_token_that_ringcentral_does_not_know_installs_a_bot(world, body, token, app, kind):
    world.fresh()
    before = world.tables()
    fields = {"access_token": token, "client_id": app}
    wholes = json.dumps(fields).encode(), body
    for sent in wholes:
        response = world.client.post("/bot/oauth", data=sent, headers={"Content-Type": kind})
        world.check(response)
        assert response.status_code >= 400 and world.tables() == before
        assert WORD not in response.get_data(as_text=True)


@given(
    st.data(),
    st.sampled_from(["X-Goog-Channel-ID", "X-Goog-Channel-Token", "both"]),
    st.sampled_from(["sync", "change", ""]) | header,
)
def test_no_notification_of_a_stranger_is_believed(world, data, wrong, state):
    world.fresh()
    row = world.connect("GoogleDrive", pageToken="1")
    end = (world.clock.moment.replace(year=2030)).isoformat()
    channel = {"id": f"{row.id}-{'a' * 32}", "token": VERIFY, "expires": end}
    world.storage.update_service(row.id, {"channels": [channel]})
    right = {"X-Goog-Channel-ID": channel["id"], "X-Goog-Channel-Token": VERIFY}
    names = list(right) if wrong == "both" else [wrong]
    near = st.sampled_from([f"{row.id}-", f"{row.id}-{'a' * 31}\xe4", f"{'9' * 9}-{'a' * 32}"])
    spoiled = {name: data.draw((near | header).filter(lambda v: v != VERIFY)) for name in names}
    before = world.tables()
    response = world.client.post(
        "/google/webhook",
        headers={**right, **spoiled, "X-Goog-Resource-State": state},
        data=data.draw(st.binary(max_size=20)),
    )
    world.check(response)
    assert response.status_code == 404 and world.tables() == before and not world.posts
