"""A bot is installed: private with a token, public with a code; and what others try there."""

from __future__ import annotations

import pytest
import requests
from serve_world import KEY

from botkit.lessons.kit import Kit
from botkit.settings import load_settings


@pytest.fixture
def live(ringcentral_process, tmp_path):
    """A bot that knows RingCentral by the settings alone."""
    id_, secret = ringcentral_process.call("registration")
    environment = {
        "RINGCENTRAL_SERVER": ringcentral_process.address,
        "RINGCENTRAL_CHATBOT_CLIENT_ID": id_,
        "RINGCENTRAL_CHATBOT_CLIENT_SECRET": secret,
        "BOTKIT_SECRET_KEY": KEY,
    }
    kits = []

    def start(**changes: str) -> Kit:
        settings = load_settings(environment | changes, env_file=tmp_path / "none")
        kits.append(Kit(settings))
        return kits[-1]

    yield start
    for kit in kits:
        kit.close()


def settle(process, kit):
    """Wait until the chat in the other process has told everything and the bot has done its work.

    Twice, because what the bot says is itself an event.
    """
    for _ in range(2):
        process.call("settle")
        kit.settle()


def answer(process, kit, text):
    """What the bot says to Alice, through the other process."""
    settle(process, kit)
    process.call("say", "Alice", text, "direct")
    settle(process, kit)
    return process.call("posts", "direct", "Alice")[-1]["text"]


def test_a_deleted_bot_can_be_installed_again_and_once_more(live, ringcentral_process):
    kit, seen = live(), []
    for way in ("install_bot", "install_public_bot", "install_bot"):
        ringcentral_process.call(way, f"{kit.address}/bot/oauth")
        assert answer(ringcentral_process, kit, "help").startswith("I understand:")
        seen += [bot.id for bot in kit.storage.find_bots()]
        ringcentral_process.call("delete_bot")
        settle(ringcentral_process, kit)
        assert kit.storage.find_bots() == []
    assert len(set(seen)) == len(seen) == 3


# ---- a public bot ------------------------------------------------------------------------------


def test_a_public_bot_is_installed_with_a_code_and_lives(live, ringcentral_process):
    kit = live()
    ringcentral_process.call("install_public_bot", f"{kit.address}/bot/oauth")
    (bot,) = kit.storage.find_bots()
    assert set(bot.token) == {"access_token", "token_type", "expires_in", "scope", "owner_id"}
    assert (bot.token["owner_id"], bot.data["name"]) == (bot.id, "Practice Bot")
    assert answer(ringcentral_process, kit, "help").startswith("I understand:")


def test_a_replayed_or_made_up_code_stores_nothing_and_harms_nobody(live, ringcentral_process):
    kit = live()
    url = ringcentral_process.call("install_public_bot", f"{kit.address}/bot/oauth")
    (before,) = kit.storage.find_bots()
    for again in (url, url.split("?")[0] + "?code=made-up&creator_extension_id=1"):
        page = requests.get(again)
        assert page.status_code == 400 and "<h1>Not installed</h1>" in page.text
        assert "RingCentral did not accept the code (invalid_grant)." in page.text
        assert "A code works once" in page.text
    (after,) = kit.storage.find_bots()
    assert (after.token, after.data) == (before.token, before.data)
    assert answer(ringcentral_process, kit, "help").startswith("I understand:")


def test_a_wrong_secret_is_named_on_the_page(live, ringcentral_process):
    kit = live(RINGCENTRAL_CHATBOT_CLIENT_SECRET="wrong")
    with pytest.raises(RuntimeError, match="answered GET /bot/oauth with 400"):
        ringcentral_process.call("install_public_bot", f"{kit.address}/bot/oauth")
    page = requests.get(f"{kit.address}/bot/oauth?code=any").text
    assert "does not accept this bot&#39;s app (invalid_client)" in page
    assert "RINGCENTRAL_CHATBOT_CLIENT_SECRET" in page and kit.storage.find_bots() == []


@pytest.mark.parametrize("query", ["", "?code=", "?code=a&code=b", "?error=access_denied"])
def test_a_visit_without_a_code_is_explained(kit, query):
    page = kit.app.test_client().get(f"/bot/oauth{query}")
    assert page.status_code == 400 and b"RingCentral sent no code" in page.data


@pytest.mark.parametrize(
    "look",
    [{"method": "HEAD"}]
    + [{"headers": {name: "prefetch"}} for name in ("Sec-Purpose", "Purpose", "X-Moz")],
)
def test_looking_ahead_does_not_use_up_the_code(kit, look):
    client, before = kit.app.test_client(), len(kit.trace)
    assert client.open("/bot/oauth?code=good", **look).status_code == 204
    assert len(kit.trace) == before


def test_trouble_at_ringcentral_is_a_page_that_says_to_come_again(kit):
    path = "/restapi/oauth/token"
    kit.world.ringcentral.trouble.next(path=path, status=500, body="<h1>oops")
    page = kit.app.test_client().get("/bot/oauth?code=good")
    assert page.status_code == 503 and b"has a problem of its own" in page.data
    assert b"oops" not in page.data


# ---- whose token is it? ------------------------------------------------------------------------


def test_a_private_bots_token_may_come_as_json(kit):
    token = kit.storage.find_bot(kit.bot_id).token["access_token"]
    answer = kit.app.test_client().post("/bot/oauth", json={"access_token": token})
    assert (answer.status_code, answer.get_json()) == (200, {"ok": True})
    assert len(kit.world.ringcentral.webhooks.of(kit.bot_id)) == 1


STRANGERS = {
    "a person": ('{"id": 7, "type": "User"}', "the token of a person"),
    "nobody": ('{"type": "Bot"}', "does not say clearly whose"),
    "a web page": ("<html>", "does not say clearly whose"),
}


@pytest.mark.parametrize("who", STRANGERS)
def test_a_token_of_somebody_else_is_refused(kit, who):
    body, sentence = STRANGERS[who]
    kit.world.ringcentral.trouble.next(path="/restapi/v1.0/account", status=200, body=body)
    answer = kit.app.test_client().post("/bot/oauth", data={"access_token": "t"})
    assert answer.status_code == 400 and sentence in answer.get_json()["error"]
    assert [bot.id for bot in kit.storage.find_bots()] == [kit.bot_id]


@pytest.mark.parametrize(
    "status, ours, sentence",
    [(403, 502, "did not accept this"), (500, 503, "it answered 500"), (503, 503, "answered 503")],
)
def test_what_comes_with_a_bad_status_is_not_believed(kit, status, ours, sentence):
    body = '{"id": 7, "type": "Bot"}'
    kit.world.ringcentral.trouble.next(path="/restapi/v1.0/account", status=status, body=body)
    answer = kit.app.test_client().post("/bot/oauth", data={"access_token": "t"})
    assert answer.status_code == ours and sentence in answer.get_json()["error"]
    assert [bot.id for bot in kit.storage.find_bots()] == [kit.bot_id]


def test_a_token_for_another_app_is_refused(kit):
    fields = {"access_token": "t", "client_id": "another"}
    answer = kit.app.test_client().post("/bot/oauth", data=fields)
    assert answer.status_code == 400 and "another app" in answer.get_json()["error"]
    assert "RINGCENTRAL_CHATBOT_CLIENT_ID" in answer.get_json()["advice"]


def test_a_code_whose_token_is_somebody_elses_is_refused(kit):
    chat = kit.world.ringcentral
    body = '{"id": 7, "type": "Bot"}'
    chat.trouble.next(path="/restapi/v1.0/account", status=200, body=body)
    with pytest.raises(RuntimeError, match="with 400"):
        chat.install_public_bot(f"{kit.address}/bot/oauth")
    assert [bot.id for bot in kit.storage.find_bots()] == [kit.bot_id]
