"""The practice chat's people and its API, held against RingCentral's pages, through real HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from chat_world import World, error_code

DIRECT = "/team-messaging/v1/chats/{}"


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    world.install(subscribed=False)
    yield world
    world.close()


def direct(world: World, person: str = "Alice") -> str:
    return world.chat.find_chat("direct", world.chat.person(person)).id


def team(world: World) -> str:
    return world.chat.find_chat("Team", world.chat.person("Alice")).id


# ---- what people do ----------------------------------------------------------------------------


def test_what_one_says_in_the_team_everyone_there_reads_with_the_time_of_the_clock(
    world: World,
) -> None:
    said = world.chat.say("Bob", 'Good morning <b>"all"</b> 🤖')
    assert world.chat.posts("Team", "Mallory") == [said]
    assert (said.creator, said.text) == ("Bob", 'Good morning <b>"all"</b> 🤖')
    assert said.created == world.time
    assert world.chat.posts("direct", "Bob") == []


def test_posts_since_an_id_are_only_the_newer_ones(world: World) -> None:
    first, second = world.chat.say("Alice", "one"), world.chat.say("Alice", "two")
    assert world.chat.posts(since=first.id) == [second]
    assert world.chat.posts(since=second.id) == []


def test_at_bot_becomes_a_mention_where_the_bot_can_be_mentioned(world: World) -> None:
    bot = world.chat.bot
    assert bot is not None
    assert world.chat.say("Alice", "@bot profile").mentions == ()
    world.chat.add_bot_to_team()
    post = world.chat.say("Alice", "@Bot profile, mail@bot.example")
    assert post.text == f"![:Person]({bot.id}) profile, mail@bot.example"
    assert post.mentions == (bot,)


@pytest.mark.parametrize(
    ("person", "text", "chat", "sentence"),
    [
        ("Eve", "hi", "Team", "nobody called 'Eve'"),
        ("Alice", "hi", "Kitchen", "Alice is in no chat called 'Kitchen'"),
        ("Mallory", "hi", "direct", "Mallory has no direct chat"),
        ("Alice", " \n", "Team", "cannot be empty"),
        ("Alice", "x" * 10_001, "Team", "at most 10,000 characters, not 10,001"),
    ],
)
def test_what_cannot_be_said_is_refused_with_the_reason(
    world: World, person: str, text: str, chat: str, sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        world.chat.say(person, text, chat=chat)
    assert world.chat.posts() == []


# ---- the API -----------------------------------------------------------------------------------


def test_the_extension_has_a_number_as_id_and_says_that_it_is_a_bot(world: World) -> None:
    answer = world.api("GET", "/restapi/v1.0/account/~/extension/~")
    me = answer.json()
    assert (me["id"], me["name"], me["type"]) == (2109001, "Practice Bot", "Bot")
    assert me["account"]["id"] == "2100000"
    assert answer.headers["X-Rate-Limit-Group"] == "Light"
    assert answer.headers["X-Rate-Limit-Limit"] == "50"
    assert {"X-Rate-Limit-Remaining", "X-Rate-Limit-Window"} <= set(answer.headers)


def test_the_new_api_calls_a_direct_chat_direct_and_its_members_objects(world: World) -> None:
    chat = world.api("GET", f"/team-messaging/v1/chats/{direct(world)}").json()
    assert chat["type"] == "Direct"
    assert chat["members"] == [{"id": "2101001"}, {"id": "2109001"}]
    assert chat["creationTime"] == "2026-11-24T09:00:00.000Z"


def test_the_old_api_calls_it_a_private_chat_and_its_members_strings(world: World) -> None:
    group = world.api("GET", f"/restapi/v1.0/glip/groups/{direct(world)}").json()
    assert group["type"] == "PrivateChat"
    assert group["members"] == ["2101001", "2109001"]


def test_a_team_has_the_same_type_in_both_and_is_public_or_is_public(world: World) -> None:
    world.chat.add_bot_to_team()
    new = world.api("GET", f"/team-messaging/v1/chats/{team(world)}").json()
    old = world.api("GET", f"/restapi/v1.0/glip/groups/{team(world)}").json()
    assert (new["type"], new["name"], new["public"]) == ("Team", "Team", False)
    assert (old["type"], old["name"], old["isPublic"]) == ("Team", "Team", False)


@pytest.mark.parametrize("path", ["/team-messaging/v1/chats", "/restapi/v1.0/glip/groups"])
def test_the_bot_posts_and_people_read_it(world: World, path: str) -> None:
    text = "Hello ![:Person](2101001), [connect](https://example.org/?a=1)"
    answer = world.api("POST", f"{path}/{direct(world)}/posts", json={"text": text})
    assert answer.status_code == 200
    post = answer.json()
    assert (post["type"], post["text"], post["groupId"]) == ("TextMessage", text, direct(world))
    assert post["creatorId"] == "2109001"
    assert post["mentions"] == [{"id": "2101001", "type": "Person", "name": "Alice"}]
    assert answer.headers["X-Rate-Limit-Group"] == "Medium"
    assert [one.text for one in world.chat.posts("direct", "Alice")] == [text]


def test_a_post_without_mentions_has_null_there(world: World) -> None:
    path = f"/team-messaging/v1/chats/{direct(world)}/posts"
    assert world.api("POST", path, json={"text": "Hello"}).json()["mentions"] is None


@pytest.mark.parametrize("body", [{"text": "x" * 10_001}, {"text": ""}, {"text": 7}, {}, []])
def test_a_post_that_is_no_message_is_refused(world: World, body: object) -> None:
    answer = world.api("POST", f"/team-messaging/v1/chats/{direct(world)}/posts", json=body)
    assert error_code(answer) == (400, "CMN-101")
    assert world.chat.posts("direct", "Alice") == []


def test_a_post_of_ten_thousand_characters_is_taken(world: World) -> None:
    path = f"/team-messaging/v1/chats/{direct(world)}/posts"
    assert world.api("POST", path, json={"text": "ß" * 10_000}).status_code == 200


def test_posts_come_thirty_a_page_newest_first_and_tokens_lead_there_and_back(
    world: World,
) -> None:
    for number in range(65):
        world.chat.say("Alice", str(number), chat="direct")
    path = f"/team-messaging/v1/chats/{direct(world)}/posts"
    first = world.api("GET", path).json()
    assert [post["text"] for post in first["records"]] == [str(n) for n in range(64, 34, -1)]
    assert "prevPageToken" not in first["navigation"]
    token = first["navigation"]["nextPageToken"]
    second = world.api("GET", path, params={"pageToken": token}).json()
    token = second["navigation"]["nextPageToken"]
    third = world.api("GET", path, params={"pageToken": token}).json()
    assert [post["text"] for post in third["records"]] == ["4", "3", "2", "1", "0"]
    assert "nextPageToken" not in third["navigation"]
    token = third["navigation"]["prevPageToken"]
    assert world.api("GET", path, params={"pageToken": token}).json() == second


def test_the_page_size_is_the_callers_choice_up_to_250(world: World) -> None:
    for number in range(3):
        world.chat.say("Alice", str(number), chat="direct")
    path = f"/restapi/v1.0/glip/groups/{direct(world)}/posts"
    two = world.api("GET", path, params={"recordCount": 2}).json()["records"]
    assert [post["text"] for post in two] == ["2", "1"]
    assert error_code(world.api("GET", path, params={"recordCount": 251})) == (400, "CMN-101")
    assert error_code(world.api("GET", path, params={"pageToken": "no"})) == (400, "CMN-101")


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ({}, "AGW-401"),
        ({"Authorization": "Basic YTpi"}, "AGW-402"),
        ({"Authorization": "Bearer unknown"}, "OAU-213"),
    ],
)
def test_without_its_token_nobody_gets_in(world: World, header: dict[str, str], code: str) -> None:
    answer = world.api("GET", "/restapi/v1.0/account/~/extension/~", headers=header)
    assert error_code(answer) == (401, code)


def test_a_chat_that_is_not_there_and_one_without_the_bot_look_the_same(world: World) -> None:
    absent = world.api("GET", "/team-messaging/v1/chats/1")
    strange = world.api("GET", f"/team-messaging/v1/chats/{team(world)}")
    assert error_code(absent) == error_code(strange) == (404, "CMN-102")
    post = world.api("POST", f"/team-messaging/v1/chats/{team(world)}/posts", json={"text": "hi"})
    assert error_code(post) == (404, "CMN-102")


def test_what_was_asked_is_kept_and_shows_a_secret_in_an_address_but_none_from_a_header(
    world: World,
) -> None:
    headers = {"Authorization": f"Bearer {world.token}", "User-Agent": "my bot"}
    world.api("GET", "/restapi/v1.0/account/~/extension/~?a=1", headers=headers)
    seen = world.chat.requests_seen[-1]
    path = "/restapi/v1.0/account/~/extension/~"
    assert (seen.method, seen.path, seen.user_agent) == ("GET", path, "my bot")
    assert seen.url == f"{path}?a=1"
    assert world.token not in str(world.chat.requests_seen)


def test_trouble_answers_in_place_of_the_api(world: World) -> None:
    world.chat.trouble.next(path="/restapi", status=429, headers={"Retry-After": "30"})
    answer = world.api("GET", "/restapi/v1.0/account/~/extension/~")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "30")
    assert world.api("GET", "/restapi/v1.0/account/~/extension/~").status_code == 200


def test_the_chat_shows_itself_without_secrets_and_addresses(world: World) -> None:
    assert repr(world.chat) == "<RingCentral practice chat: Alice, Bob, Mallory; Practice Bot>"
    world.subscribe()
    assert "a secret" not in repr(world.chat.webhooks.of("2109001"))
