"""Practice servers answer to their own names alone, and beside a real service ask for a key."""

from __future__ import annotations

from dataclasses import replace

import pytest
import requests

from botkit.lessons.kit import PRACTICE, Kit
from botkit.settings import Registration

REAL = Registration("id", "secret", "http://127.0.0.1:1")  # set from outside, so it counts as real


@pytest.fixture(scope="module")
def world():
    kit = Kit(replace(PRACTICE, skills=("github", "drive", "ringcentral")))
    kit.world.start_service("teapot")
    yield kit.world
    kit.close()


STRANGERS = ["attacker.example", "127.0.0.1.attacker.example", "a@localhost", "", "[::1", "0.0.0.0"]


@pytest.mark.parametrize("host", STRANGERS)
def test_no_practice_server_answers_to_another_name(world, host):
    for server in world.servers:
        answer = requests.get(f"{server.url}/", headers={"Host": host})
        assert answer.status_code == 403 and "does not know itself" in answer.text


@pytest.mark.parametrize("host", ["127.0.0.1", "LocalHost:7", "[::1]:7"])
def test_each_practice_server_answers_to_the_names_of_this_computer(world, host):
    for server in world.servers:
        assert requests.get(f"{server.url}/", headers={"Host": host}).status_code in (200, 404)


def test_a_page_elsewhere_can_neither_read_nor_write_as_alice(world):
    chat = world.ringcentral
    chat_id = chat.find_chat("direct", chat.person("Alice")).id
    headers = {"Host": "attacker.example", "Sec-Fetch-Site": "same-origin"}
    path = f"{chat.address}/people/Alice"
    assert requests.get(f"{path}/news", headers=headers).status_code == 403
    said = {"json": {"text": "disconnect"}, "headers": headers}
    assert requests.post(f"{path}/chats/{chat_id}/posts", **said).status_code == 403
    assert not any("disconnect" in post.text for post in chat.posts("direct", "Alice"))


def test_a_hubs_name_is_known_where_the_settings_name_the_hub():
    kit = Kit(replace(PRACTICE, public_url="https://hub.example/proxy/{port}"))
    try:
        for server in kit.world.servers:
            known = requests.get(f"{server.url}/", headers={"Host": "hub.example"})
            assert known.status_code in (200, 404)
    finally:
        kit.close()


# ---- beside a real service -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def beside():
    """The practice chat of a bot whose GitHub is the real one."""
    settings = replace(PRACTICE, practice=False, registrations={"github": REAL})
    kit = Kit(replace(settings, secret_keys=("A" * 43 + "=",)))
    yield kit
    kit.close()


def test_beside_a_real_service_the_chats_page_has_a_key(beside):
    chat, key = beside.world.ringcentral, beside.world.ringcentral.page_key
    assert len(key) > 20 and beside.chat_page == f"{chat.address}/{key}/"
    assert requests.get(beside.chat_page).status_code == 200
    assert requests.get(f"{beside.chat_page}static/chat.css").status_code == 200
    news = requests.get(f"{beside.chat_page}people/Alice/news").json()
    assert news["chats"]
    chat_id = news["chats"][0]["id"]
    posts = f"people/Alice/chats/{chat_id}/posts"
    assert requests.post(f"{beside.chat_page}{posts}", json={"text": "help"}).status_code == 201


@pytest.mark.parametrize("key", ["", "wrong/", "%00/", "%C3%A9/"])
def test_without_the_key_nobody_reads_or_writes_there(beside, key):
    base = f"{beside.world.ringcentral.address}/{key}"
    for path in ("", "people/Alice/news"):
        assert requests.get(f"{base}{path}").status_code == 404
    posts = f"{base}people/Alice/chats/6300003/posts"
    assert requests.post(posts, json={"text": "help"}).status_code == 404


def test_the_key_is_shown_to_nobody(beside):
    key = beside.world.ringcentral.page_key
    requests.get(f"{beside.chat_page}people/Alice/news")
    assert key not in f"{beside.trace.list()!r}{beside.trace.diagram().text}{beside.show(key)}"


def test_in_practice_the_chats_page_needs_no_key(world):
    assert world.chat_page == f"{world.ringcentral.address}/"
    assert requests.get(world.chat_page).status_code == 200
