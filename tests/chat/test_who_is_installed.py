"""Only a bot user of an allowed account is installed, and one bot's trouble is its own."""

from __future__ import annotations

import json
from types import SimpleNamespace
from unittest.mock import Mock

import pytest

from botkit.errors import ChatError, SettingsError, TryLater
from botkit.run.administration import remove_bot
from botkit.run.maintenance import maintain
from botkit.run.status import status
from botkit.settings import load_settings

OWNER = "/restapi/v1.0/account"
SUBSCRIPTION = "/restapi/v1.0/subscription"
OURS = {"id": "2100000"}  # the account of the practice company


def install(kit, **owner):
    """Bring a token, about whose owner RingCentral says this; status and answer."""
    said = json.dumps({"id": 8, "type": "Bot", "account": OURS} | owner)
    kit.world.ringcentral.trouble.next(path=OWNER, status=200, body=said)
    answer = kit.app.test_client().post("/bot/oauth", data={"access_token": "of-8"})
    return answer.status_code, answer.get_json()


def bots(kit):
    return [bot.id for bot in kit.storage.find_bots() if bot.id != kit.bot_id]


def can_be_subscribed(kit, times=1, body='{"records": []}', status=200):
    kit.world.ringcentral.trouble.next(path=SUBSCRIPTION, times=times, status=status, body=body)


@pytest.mark.parametrize("type_", ["User", "DigitalUser", "Department", "bot", None, True, ["Bot"]])
def test_what_is_no_bot_user_is_not_installed(kit, type_):
    code, answer = install(kit, type=type_)
    assert code == 400 and "token of a" in answer["error"] and bots(kit) == []


@pytest.mark.parametrize("account", [{"id": "666"}, {"id": 666}, {}, None, {"id": True}, "2100000"])
def test_a_bot_of_another_account_is_not_installed(kit, account):
    code, answer = install(kit, account=account)
    assert code == 400 and "may not be installed here" in answer["error"] and bots(kit) == []
    assert "BOTKIT_ACCOUNTS" in answer["advice"]


@pytest.mark.parametrize("bot_id", ["٣", "8\u0000", "-1", "", None, {}, 1.5])
def test_an_id_that_ringcentral_has_for_nobody_is_refused(kit, bot_id):
    code, answer = install(kit, id=bot_id)
    assert code == 400 and "does not say clearly" in answer["error"] and bots(kit) == []


def test_the_account_of_a_bot_from_before_is_asked_for_and_remembered(kit):
    kit.storage.update_bot(kit.bot_id, {"account": None})
    code, answer = install(kit, account={"id": "666"})
    assert code == 400 and "account 666" in answer["error"]
    assert kit.storage.find_bot(kit.bot_id).data["account"] == "2100000"
    kit.storage.update_bot(kit.bot_id, {"account": None})
    maintain(kit.bot)
    assert status(kit.bot)[0]["account"] == "2100000"


def test_the_setting_names_the_accounts_instead(kit):
    kit.bot.installation._accounts = ("666",)
    assert install(kit)[0] == 400
    can_be_subscribed(kit, times=2)
    assert install(kit, account={"id": 666})[0] == 200 and bots(kit) == ["8"]


@pytest.mark.parametrize("text", ["company", "1;2", "١"])
def test_a_setting_that_names_no_accounts_is_refused(text, tmp_path):
    with pytest.raises(SettingsError, match="BOTKIT_ACCOUNTS holds something") as refused:
        load_settings({"BOTKIT_ACCOUNTS": text}, env_file=tmp_path / "none")
    assert "status" in refused.value.advice
    good = load_settings({"BOTKIT_ACCOUNTS": "1, 2 3"}, env_file=tmp_path / "none")
    assert good.accounts == ("1", "2", "3")


def test_a_new_bot_that_cannot_be_subscribed_is_not_installed(kit):
    can_be_subscribed(kit, status=403)
    code, answer = install(kit)
    assert code == 502 and "did not accept this" in answer["error"]
    assert bots(kit) == []


def test_a_bot_that_cannot_be_subscribed_with_its_new_token_keeps_the_old_one(kit):
    before = kit.storage.find_bot(kit.bot_id)
    can_be_subscribed(kit, status=403)
    assert install(kit, id=int(kit.bot_id), name="Renamed")[0] == 502
    after = kit.storage.find_bot(kit.bot_id)
    assert (after.token, after.data) == (before.token, before.data)
    assert "I understand" in kit.alice.say("help").text


def test_a_new_bot_that_has_to_wait_is_installed_when_it_is_ready_and_not_before(kit):
    can_be_subscribed(kit, status=503)
    assert install(kit)[0] == 200
    assert "pending" in kit.storage.find_bot("8").data
    can_be_subscribed(kit, times=2)
    kit.bot.installation.subscribe_again(SimpleNamespace(name=("subscribe", "8"), tries=1))
    assert "pending" not in kit.storage.find_bot("8").data


@pytest.mark.parametrize("tries, code", [(30, 503), (1, 403)])
def test_a_new_bot_that_is_never_ready_is_removed_again(kit, tries, code):
    can_be_subscribed(kit, status=503)
    install(kit)
    job = SimpleNamespace(name=("subscribe", "8"), tries=tries)
    can_be_subscribed(kit, status=code)
    with pytest.raises(ChatError):
        kit.bot.installation.subscribe_again(job)
    assert bots(kit) == []
    can_be_subscribed(kit, status=503)
    with pytest.raises(TryLater):  # one that was installed stays, whatever happens
        kit.bot.installation.subscribe_again(SimpleNamespace(name=("", kit.bot_id), tries=1))


def test_two_bots_are_not_installed_at_the_same_moment(kit):
    kit.storage.messages.hold("install", 60)
    waited = kit.bot.installation.sleep = Mock()
    code, answer = install(kit)
    assert code == 503 and "at this moment" in answer["error"] and bots(kit) == []
    assert 3 <= sum(seconds for one in waited.call_args_list for seconds in one.args) <= 10


def test_an_install_waits_for_another_one_that_ends_soon(kit):
    holder = kit.storage.messages.hold("install", 60)

    def end(_seconds: float) -> None:
        kit.storage.messages.drop("install", holder)

    kit.bot.installation.sleep = end
    can_be_subscribed(kit, times=2)
    assert install(kit)[0] == 200 and bots(kit) == ["8"]


def test_a_token_that_is_no_bots_waits_for_nothing(kit):
    kit.storage.messages.hold("install", 60)
    waited = kit.bot.installation.sleep = Mock()
    assert install(kit, type="User")[0] == 400 and not waited.called


# ---- one bot's trouble is its own ----------------------------------------------------------------


def test_a_bot_in_trouble_keeps_no_other_from_starting(kit, caplog):
    kit.storage.save_bot("1", token={"access_token": "of-nobody"}, data={})
    kit.storage.save_bot("9999999", token={"access_token": "of-nobody"}, data={})
    kit.bot.use_address(kit.address)
    assert "Bot 1 gets no messages" in caplog.text and "Bot 9999999 gets" in caplog.text
    assert "I understand" in kit.alice.say("help").text


def test_where_ringcentral_reaches_no_bot_the_address_is_wrong_and_that_is_said(kit):
    kit.storage.save_bot("9999999", token={"access_token": "of-nobody"}, data={})
    can_be_subscribed(kit, status=400, body='{"errorCode": "SUB-525"}')
    kit.bot.use_address(kit.address)  # the other one may be well
    kit.storage.delete_bot("9999999")
    can_be_subscribed(kit, status=400, body='{"errorCode": "SUB-525"}')
    with pytest.raises(ChatError) as unreached:
        kit.bot.use_address(f"{kit.address}/elsewhere")
    assert unreached.value.code == "SUB-525"


@pytest.fixture
def broken(kit):
    """A bot whose row somebody has planted."""
    kit.storage.save_bot("1", token={"access_token": "t"}, data={"name": "Planted"})
    with kit.storage._writing() as connection:
        mine = "SELECT token FROM bots WHERE id = ?"
        row = connection.exec_driver_sql(mine, (kit.bot_id,)).one()
        connection.exec_driver_sql("UPDATE bots SET token = ? WHERE id = '1'", tuple(row))
    return kit


def test_a_row_that_cannot_be_read_stops_nobody_and_is_named(broken, caplog):
    assert bots(broken) == []
    broken.bot.use_address(broken.address)
    assert maintain(broken.bot) == []
    assert caplog.text.count("Row 1 of the table bots is passed over.") == 1
    assert "I understand" in broken.alice.say("help").text
    first, ours = status(broken.bot)
    assert first["id"] == "1" and "python -m botkit remove-bot 1" in first["trouble"]
    assert ours["trouble"] == ""


def test_where_no_row_can_be_read_status_still_names_each(broken):
    with broken.storage._writing() as connection:
        connection.exec_driver_sql("UPDATE bots SET id = '2' WHERE id = ?", (broken.bot_id,))
    first, second = status(broken.bot)
    assert "remove-bot 1" in first["trouble"] and "remove-bot 2" in second["trouble"]


def test_a_row_that_cannot_be_read_can_be_removed(broken):
    done = remove_bot(broken.bot, "1")
    assert done[0] == "Removed Bot 1 with its 0 connections."
    assert broken.storage.bot_ids() == [broken.bot_id]


def test_a_connection_that_cannot_be_read_does_not_stop_maintenance(kit, caplog):
    for person in (kit.alice, kit.bob):
        person.say("profile")
        person.browser.visit(person.link).approve()
        person.reads()
    with kit.storage._writing() as connection:
        data = connection.exec_driver_sql("SELECT data FROM services WHERE id = 1").one()
        connection.exec_driver_sql("UPDATE services SET data = ? WHERE id = 2", tuple(data))
    assert maintain(kit.bot) == []
    assert "Row 2 of the table services is passed over." in caplog.text
    found = kit.storage.each_service(bot_id=kit.bot_id)
    assert [one.user_id for one in found] == ["2101001"]
    assert len(status(kit.bot)[0]["services"]) == 1
    assert "Here is your GitHub profile" in kit.alice.say("profile").text


# ---- what another process has written ------------------------------------------------------------


def in_another_process(kit, write):
    """This process does not know that a bot was written."""
    changes = kit.storage.bot_changes
    write()
    kit.storage.bot_changes = changes


def test_a_token_that_another_process_has_renewed_is_used_once_the_old_one_is_refused(kit):
    good = kit.storage.find_bot(kit.bot_id).token
    kit.storage.save_bot(kit.bot_id, token={"access_token": "of-the-past"}, data={})
    assert kit.storage.known_bot(kit.bot_id).token == {"access_token": "of-the-past"}
    in_another_process(kit, lambda: kit.storage.save_bot(kit.bot_id, token=good, data={}))
    kit.chat.call(kit.bot_id, "GET", "/restapi/v1.0/account/~/extension/~")
    assert "refused" not in kit.storage.find_bot(kit.bot_id).data


def test_a_refusal_that_is_over_in_another_process_is_over_here(kit):
    good = kit.storage.find_bot(kit.bot_id).token
    kit.storage.save_bot(kit.bot_id, token={"access_token": "of-nobody"}, data={})
    with pytest.raises(ChatError, match="does not accept the token"):
        kit.chat.call(kit.bot_id, "GET", "/restapi/v1.0/account/~/extension/~")
    assert "refused" in kit.storage.known_bot(kit.bot_id).data
    over = {"refused": None}
    in_another_process(kit, lambda: kit.storage.save_bot(kit.bot_id, token=good, data=over))
    kit.chat.call(kit.bot_id, "GET", "/restapi/v1.0/account/~/extension/~")
