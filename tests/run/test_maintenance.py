"""Looking after the bots: what is renewed, what is made anew, what is removed."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import python_process
from connections import connect, services
from python_process import PIPE
from serve_world import KEY

from botkit.errors import InstallRefused, TokenRefused
from botkit.lessons.kit import Kit
from botkit.practice.server import Server
from botkit.run.administration import remove_bot
from botkit.run.maintenance import maintain
from botkit.run.status import status
from botkit.settings import load_settings

NAME = "Bot 2109001 (Practice Bot)"


def subscriptions(kit):
    return kit.world.ringcentral.webhooks.of(kit.bot_id)


# ---- subscriptions -----------------------------------------------------------------------------


def test_where_all_is_well_nothing_is_done(kit):
    connect(kit.alice)
    before = subscriptions(kit)
    kit.clock.advance(days=4)
    assert maintain(kit.bot) == ["Swept 2 old auth links."]
    assert maintain(kit.bot) == [] and subscriptions(kit) == before


def test_a_subscription_is_renewed_two_days_before_its_end(kit):
    (one,) = subscriptions(kit)
    kit.clock.advance(days=5.1)
    assert f"Renewed the subscription of {NAME}." in maintain(kit.bot)
    assert subscriptions(kit) == [one] and (one.expires - kit.clock()).days == 6


@pytest.mark.parametrize(
    "trouble", ["blacklisted", "ended", "forgotten here", "at another address"]
)
def test_a_subscription_that_does_not_work_is_made_anew(kit, trouble):
    (old,) = subscriptions(kit)
    if trouble == "blacklisted":
        kit.world.ringcentral.blacklist()
    elif trouble == "ended":
        kit.clock.advance(days=8)
    elif trouble == "forgotten here":
        kit.storage.update_bot(kit.bot_id, {"subscriptionId": None})
    else:
        kit.bot.address = kit.open_tunnel().public_url
    assert f"Made a new subscription of {NAME}." in maintain(kit.bot)
    (new,) = subscriptions(kit)
    assert new.id != old.id and new.status == "Active"
    assert new.address == kit.bot.webhook_url
    assert new.verification_token not in ("", old.verification_token)
    assert "I understand" in kit.alice.say("help").text


def test_a_process_without_an_address_keeps_the_one_that_is_subscribed(kit):
    webhook, kit.bot.address = kit.bot.webhook_url, ""
    assert maintain(kit.bot) == []
    kit.world.ringcentral.blacklist()
    assert maintain(kit.bot) == [f"Made a new subscription of {NAME}."]
    assert [one.address for one in subscriptions(kit)] == [webhook]
    kit.clock.advance(days=8)
    (sentence,) = [one for one in maintain(kit.bot) if "subscription" in one]
    assert sentence.startswith(f"{NAME} has no new subscription. There is no public address")


def test_a_process_that_died_at_work_keeps_the_others_away_for_a_minute_only(kit):
    kit.world.ringcentral.blacklist()
    kit.storage.messages.hold(f"subscribe:{kit.bot_id}", 40)
    (sentence,) = maintain(kit.bot)
    assert "Another process is seeing to this bot's subscription." in sentence
    kit.clock.advance(minutes=1)
    assert maintain(kit.bot) == [f"Made a new subscription of {NAME}."]


def test_of_many_that_want_a_bot_in_hand_one_gets_it(storage):
    start = threading.Barrier(16)

    def hold(_):
        start.wait()
        return storage.messages.hold("subscribe:bot", 60)

    with ThreadPoolExecutor(16) as pool:
        (mine,) = filter(None, pool.map(hold, range(16)))
    storage.messages.drop("subscribe:bot", "somebody else's")
    assert storage.messages.hold("subscribe:bot", 60) is None
    storage.messages.drop("subscribe:bot", mine)
    assert storage.messages.hold("subscribe:bot", 60)


# ---- what is dead ------------------------------------------------------------------------------


def unheard(kit, happens):
    """Something happens in the chat while the bot cannot hear it."""
    kit.world.ringcentral.blacklist()
    happens()
    kit.settle()


def another_bot_is_installed(kit):
    """RingCentral accepts it, so the address of RingCentral is right."""
    kit.world.ringcentral.install_bot(f"{kit.address}/bot/oauth")
    kit.settle()


def refuse(kit, code, status_code=401):
    """RingCentral answers the next question about this bot with an error."""
    body = f'{{"errorCode": "{code}"}}'
    path = "/restapi/v1.0/account"
    kit.world.ringcentral.trouble.next(path=path, status=status_code, body=body)


def about(sentences, bot=NAME):
    """The one sentence about this bot."""
    (sentence,) = [one for one in sentences if one.startswith(bot)]
    return sentence


def requests_to_the_chat(kit):
    return sum(exchange.receiver == "chat" for exchange in kit.trace)


def test_a_bot_that_was_deleted_unheard_is_removed_when_ringcentral_says_so_again_a_day_later(kit):
    connect(kit.alice)
    unheard(kit, kit.world.ringcentral.delete_bot)
    another_bot_is_installed(kit)
    for days in (0, 0.5):  # the second is too early to count
        kit.clock.advance(days=days)
        sentence = about(maintain(kit.bot))
        assert "is left as it is. RingCentral says that this bot was deleted (OAU-232)." in sentence
        assert sentence.endswith("run: python -m botkit remove-bot 2109001")
        assert kit.storage.find_bot("2109001") and len(kit.storage.find_services()) == 1
    kit.clock.advance(days=0.5)
    sentence = f"{NAME} was deleted in RingCentral. Removed it with its one connection."
    assert about(maintain(kit.bot)) == sentence
    assert kit.storage.find_bot("2109001") is None and kit.storage.find_services() == []
    assert repr(kit.world.github).endswith("0 grants>")
    assert len(kit.storage.find_bots()) == 1


def test_where_ringcentral_accepts_no_bot_none_is_removed_however_often_it_says_so(kit):
    connect(kit.alice)
    unheard(kit, kit.world.ringcentral.delete_bot)
    for _ in range(3):
        sentence = about(maintain(kit.bot))
        assert "RINGCENTRAL_SERVER may be wrong, and only you can tell." in sentence
        assert sentence.endswith("run: python -m botkit remove-bot 2109001")
        kit.clock.advance(days=2)
    assert len(kit.storage.find_bots()) == len(kit.storage.find_services()) == 1
    assert repr(kit.world.github).endswith("1 grants>")


def test_a_bot_that_was_accepted_between_two_answers_is_not_removed(kit):
    another(kit)
    for code in ("OAU-232", None, "OAU-232"):
        if code:
            refuse(kit, code)
        maintain(kit.bot)
        kit.clock.advance(days=1)
    assert kit.storage.find_bot(kit.bot_id)


def another(kit):
    """A second bot, which RingCentral accepts; it comes after the first in the database."""
    token = kit.storage.find_bot(kit.bot_id).token
    kit.storage.save_bot("9", token=token, data={})


@pytest.mark.parametrize(("code", "status_code"), [("OAU-232", 401), ("CMN-405", 403)])
def test_two_codes_say_that_the_bot_itself_is_gone(kit, code, status_code):
    another(kit)
    for _ in range(2):
        refuse(kit, code, status_code)
        done = maintain(kit.bot)
        kit.clock.advance(days=1)
    assert f"{NAME} was deleted in RingCentral. Removed it with its 0 connections." in done


@pytest.mark.parametrize("code", ["OAU-213", "OAU-149", "OAU-128", "OAU-129"])
def test_a_refused_token_removes_nothing_and_the_operator_hears_what_to_do(kit, code, caplog):
    connect(kit.alice)
    another(kit)
    command = "run: python -m botkit update-token 2109001"
    for _ in range(3):
        refuse(kit, code)
        sentence = about(maintain(kit.bot))
        assert f"does not accept the token of this bot ({code})." in sentence
        assert sentence.endswith(command) and status(kit.bot)[0]["trouble"].endswith(command)
        kit.clock.advance(days=1)
    assert caplog.text.count(command) == 1 and "Bot 2109001: " in caplog.text
    assert kit.storage.find_bot("2109001") and len(services(kit)) == 1


def test_a_refused_token_is_not_sent_again_but_for_once_a_day(kit):
    kit.storage.save_bot(kit.bot_id, token={"access_token": "lost"}, data={})
    maintain(kit.bot)
    before = requests_to_the_chat(kit)
    for ask in (maintain, status):
        ask(kit.bot)
    with pytest.raises(TokenRefused):
        kit.chat.say(kit.bot_id, "1", "hello")
    with pytest.raises(TokenRefused):
        kit.bot.installation.subscribe(kit.bot_id)
    assert requests_to_the_chat(kit) == before
    kit.clock.advance(days=1)
    maintain(kit.bot)
    assert requests_to_the_chat(kit) == before + 1


def test_a_refusal_is_forgotten_when_ringcentral_accepts_the_token_again(kit):
    refuse(kit, "OAU-213")
    maintain(kit.bot)
    assert kit.storage.find_bot(kit.bot_id).data["refused"]
    kit.clock.advance(days=1)
    assert maintain(kit.bot) == []
    assert "refused" not in kit.storage.find_bot(kit.bot_id).data
    assert "I understand" in kit.alice.say("help").text


def test_a_token_that_a_wrong_server_refused_is_good_at_the_right_one(kit):
    right = kit.chat.registration
    wrong = right.server.replace("127.0.0.1", "localhost")
    kit.chat.registration = replace(right, server=wrong)
    refuse(kit, "OAU-213")
    assert "(OAU-213)" in about(maintain(kit.bot))
    kit.chat.registration = right
    assert "I understand" in kit.alice.say("help").text
    assert maintain(kit.bot) == [] and "refused" not in kit.storage.find_bot(kit.bot_id).data


def test_a_late_answer_about_the_old_token_does_not_touch_the_new_one(kit):
    new, ask = kit.storage.find_bot(kit.bot_id).token, kit.chat._ask
    kit.storage.save_bot(kit.bot_id, token={"access_token": "old"}, data={})

    def slow(*question):
        answer = ask(*question)
        kit.storage.save_bot(kit.bot_id, token=new, data={})  # meanwhile
        return answer

    kit.chat._ask = slow
    maintain(kit.bot)
    kit.chat._ask = ask
    assert "I understand" in kit.alice.say("help").text


def test_a_new_token_is_used_and_subscribed(kit):
    connect(kit.alice)
    good = kit.storage.find_bot(kit.bot_id).token["access_token"]
    (old,) = subscriptions(kit)
    kit.storage.save_bot(kit.bot_id, token={"access_token": "lost"}, data={})
    maintain(kit.bot)
    kit.bot.installation.update_token(kit.bot_id, good)
    assert kit.bot.installation.subscription.ensure(kit.bot_id) == "made"
    (new,) = subscriptions(kit)
    assert new.id != old.id and "Here is your GitHub profile" in kit.alice.say("profile").text


def test_a_new_token_of_another_bot_is_refused_and_changes_nothing(kit):
    kit.storage.save_bot("9", token={"access_token": "of 9"}, data={})
    token = kit.storage.find_bot(kit.bot_id).token["access_token"]
    with pytest.raises(InstallRefused, match="the token of bot 2109001, not of bot 9"):
        kit.bot.installation.update_token("9", token)
    with pytest.raises(InstallRefused, match="There is no bot 8 in this database"):
        kit.bot.installation.update_token("8", token)
    for text in ("", "two words"):
        with pytest.raises(InstallRefused, match="This is not a token"):
            kit.bot.installation.update_token("9", text)
    assert kit.storage.find_bot("9").token == {"access_token": "of 9"}


@pytest.mark.parametrize("token", ["good", "refused"])
def test_the_owner_removes_a_bot_whatever_ringcentral_says(kit, token):
    connect(kit.alice)
    if token == "refused":
        kit.storage.save_bot(kit.bot_id, token={"access_token": "lost"}, data={})
    first, *more = remove_bot(kit.bot, kit.bot_id)
    assert first == f"Removed {NAME} with its one connection."
    assert kit.storage.find_bots() == kit.storage.find_services() == []
    assert repr(kit.world.github).endswith("0 grants>")
    if token == "good":
        assert more == [] and subscriptions(kit) == []
    else:
        assert more[0].startswith("Its subscription at RingCentral could not be ended. ")
    with pytest.raises(InstallRefused, match="There is no bot 2109001 in this database"):
        remove_bot(kit.bot, kit.bot_id)


DOUBTFUL = {
    "another 401": (401, '{"errorCode": "OAU-121"}', "does not accept the token"),
    "trouble": (500, "", "it answered 500"),
    "forbidden": (403, "", "it answered 403"),
    "a penalty": (429, "", ""),
}


@pytest.mark.parametrize("what", DOUBTFUL)
def test_a_bot_in_doubt_is_left_as_it_is(kit, what):
    status_code, body, sentence = DOUBTFUL[what]
    connect(kit.alice)
    kit.chat._sleep = lambda seconds: kit.clock.advance(minutes=seconds / 60)
    path = "/restapi/v1.0/account"
    kit.world.ringcentral.trouble.next(path=path, status=status_code, body=body)
    done = maintain(kit.bot)
    assert (sentence in done[0] and "is left as it is" in done[0]) if sentence else done == []
    assert len(kit.storage.find_bots()) == len(services(kit)) == 1


def test_one_bot_in_trouble_does_not_keep_the_others_waiting(kit):
    kit.storage.save_bot("1", data={})
    kit.world.ringcentral.blacklist()
    first, second = maintain(kit.bot)
    assert first.startswith("Bot 1 is left as it is. This bot is not installed here.")
    assert second == f"Made a new subscription of {NAME}."


def test_a_chat_that_the_bot_left_unheard_loses_its_connections_a_day_later(kit):
    connect(kit.alice)
    connect(kit.bob, chat="Team")
    unheard(kit, kit.world.ringcentral.remove_bot_from_team)
    team = kit.world.ringcentral.find_chat("Team", kit.world.ringcentral.person("Bob")).id
    sentence = f"{NAME} is not in chat {team} any more. Left it with its one connection."
    for days in (0, 0.5):
        kit.clock.advance(days=days)
        assert sentence not in maintain(kit.bot) and len(services(kit)) == 2
    kit.clock.advance(days=0.5)
    assert sentence in maintain(kit.bot)
    (alice,) = services(kit)
    assert alice.account["name"] == "alice-practice"
    assert "leftChats" not in kit.storage.find_bot(kit.bot_id).data
    assert "Here is your GitHub profile" in kit.alice.say("profile").text


def test_a_person_who_has_left_a_chat_loses_the_connection_there_a_day_later(kit):
    connect(kit.alice)
    connect(kit.bob, chat="Team")
    connect(kit.mallory, chat="Team")
    chat = kit.world.ringcentral
    team = chat.find_chat("Team", chat.person("Bob"))
    chat.leave_team("Bob")
    sentence = f"Ended GitHub in chat {team.id}: its person has left that chat."
    for days in (0, 0.5):
        kit.clock.advance(days=days)
        assert sentence not in maintain(kit.bot) and len(services(kit)) == 3
    kit.clock.advance(days=0.5)
    assert sentence in maintain(kit.bot)
    assert [row.user_id for row in services(kit)] == ["2101001", "2101003"]
    assert "leftChats" not in kit.storage.find_bot(kit.bot_id).data
    assert repr(kit.world.github).endswith("2 grants>")


def test_a_list_of_members_without_the_bot_ends_no_connection(kit):
    connect(kit.bob, chat="Team")
    for _ in range(3):
        body = '{"type": "Team", "members": [{"id": "2101001"}]}'
        kit.world.ringcentral.trouble.next(path="/team-messaging", status=200, body=body)
        maintain(kit.bot)
        kit.clock.advance(days=1)
    assert len(services(kit)) == 1


NOT_FOUND = '{"errorCode": "CMN-102"}'
FOUND_BETWEEN = [NOT_FOUND, None, NOT_FOUND]
OTHERS = {"no code": [""] * 3, "an unknown address": ['{"errorCode": "CMN-120"}'] * 3}


@pytest.mark.parametrize("what", [*OTHERS, "found between"])
def test_a_404_that_can_mean_something_else_ends_no_connection(kit, what):
    connect(kit.alice)
    for body in OTHERS.get(what, FOUND_BETWEEN):
        if body is not None:
            kit.world.ringcentral.trouble.next(path="/team-messaging", status=404, body=body)
        maintain(kit.bot)
        kit.clock.advance(days=1)
    assert len(services(kit)) == 1


def test_a_chat_that_cannot_be_asked_about_keeps_its_connections(kit):
    connect(kit.alice)
    kit.world.ringcentral.trouble.next(path="/team-messaging", status=403)
    (sentence,) = maintain(kit.bot)
    assert "is left as it is" in sentence and len(services(kit)) == 1


def test_however_many_connections_there_are_few_are_in_memory(kit, monkeypatch):
    """Both look at all of them, and each time at no more than a piece."""
    monkeypatch.setattr("botkit.storage.store.PIECE", 2)
    for number in range(5):
        owner = {"bot_id": kit.bot_id, "group_id": str(number % 2), "user_id": str(number)}
        kit.storage.save_service("GitHub", **owner, data={})
    find, read, seen = kit.storage.find_services, [], []

    def counted(**which):
        read.append(find(**which))
        return read[-1]

    monkeypatch.setattr(kit.storage, "find_services", counted)
    skill = next(one for one in kit.bot.services if one.provider.name == "GitHub")
    monkeypatch.setattr(skill, "maintain", lambda service: seen.append(service.user_id) or [])
    maintain(kit.bot)
    assert seen == list("01234")
    remove_bot(kit.bot, kit.bot_id)
    assert [len(piece) for piece in read] == 2 * [2, 2, 1, 0] and find() == []


# ---- twice at once -----------------------------------------------------------------------------


class Gate:
    """Stands in front of an app, and holds the first call to the webhook until it is opened."""

    def __init__(self, app):
        self.app, self.reached, self.opened = app, threading.Event(), threading.Event()

    def __call__(self, environ, start_response):
        if environ["PATH_INFO"] == "/bot/webhook" and not self.reached.is_set():
            self.reached.set()
            assert self.opened.wait(60)
        return self.app(environ, start_response)


MAINTAIN = """
from botkit.bot import Bot
from botkit.run.maintenance import maintain
from botkit.settings import load_settings
bot = Bot(load_settings())
print(*maintain(bot), sep="\\n")
bot.close()
"""


def test_two_at_once_in_two_processes_leave_one_subscription(
    ringcentral_process, database_url, tmp_path
):
    id_, secret = ringcentral_process.call("registration")
    environment = {
        "RINGCENTRAL_SERVER": ringcentral_process.address,
        "RINGCENTRAL_CHATBOT_CLIENT_ID": id_,
        "RINGCENTRAL_CHATBOT_CLIENT_SECRET": secret,
        "RINGCENTRAL_CHATBOT_DATABASE_CONNECTION_URI": database_url,
        "BOTKIT_SECRET_KEY": KEY,
    }
    kit = Kit(load_settings(environment, env_file=tmp_path / "none"))
    gate = Gate(kit.app)
    server = Server(gate)
    environment |= {
        "RINGCENTRAL_CHATBOT_SERVER": server.url,
        "GITHUB_CLIENT_ID": kit.github.client_id,
        "GITHUB_CLIENT_SECRET": kit.github.client_secret,
        "GITHUB_SERVER": kit.world.github.address,
    }

    def start():
        options = {"folder": tmp_path, "environment": os.environ | environment}
        return python_process.start("-c", MAINTAIN, **options, stdout=PIPE, stderr=PIPE)

    try:
        ringcentral_process.call("install_bot", f"{kit.address}/bot/oauth")
        ringcentral_process.set("webhooks.timeout", 60)
        first = start()
        assert gate.reached.wait(60)  # now it is in the middle of its work
        second = start().communicate(timeout=60)
        gate.opened.set()
        assert "Another process is seeing to this bot's subscription." in second[0]
        assert first.communicate(timeout=60) == (f"Made a new subscription of {NAME}.\n", "")
        assert start().communicate(timeout=60) == ("\n", "")
        (one,) = ringcentral_process.call("webhooks.of", "2109001")
        assert one["address"] == f"{server.url}/bot/webhook"
    finally:
        gate.opened.set()
        server.stop()
        kit.close()
