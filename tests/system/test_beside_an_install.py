"""What each process does by itself does not disturb what a request does in another one.

A process looks after every bot that it finds: at its start, every half minute, every day.  At the
same moment another process may be installing that bot, or removing it.
"""

from __future__ import annotations

from contextlib import suppress
from types import SimpleNamespace

import pytest

from botkit.bot.worker import Worker
from botkit.errors import ChatError, TryLater
from botkit.lessons.kit import Kit
from botkit.run import running
from botkit.run.maintenance import maintain
from botkit.run.watch import Watch
from botkit.storage import do_job

SUBSCRIPTION = "/restapi/v1.0/subscription"


def looks(kit):
    """All that another process can do about the bots that it finds, by name."""
    job = SimpleNamespace(name=("subscribe", kit.bot_id), tries=1)
    return {
        "watch": Watch(kit.bot).look,
        "maintain": lambda: maintain(kit.bot),
        "start at an address": lambda: kit.bot.use_address(kit.address),
        "job": lambda: kit.bot.installation.subscribe_again(job),
    }


@pytest.mark.parametrize("is_new", [True, False], ids=["new", "again"])
@pytest.mark.parametrize("who", ["watch", "maintain", "start at an address", "job"])
def test_only_the_install_subscribes_a_bot_that_is_being_installed(kit, who, is_new, monkeypatch):
    """Or it would end too early, and what happens in the chats right after it be missed."""
    chat, look, made_by_others = kit.world.ringcentral, looks(kit)[who], []
    save_bot, address = kit.storage.save_bot, f"{kit.address}/bot/oauth"
    if is_new:
        kit.storage.delete_bot(kit.bot_id)

    def save(bot_id, **more):
        bot = save_bot(bot_id, **more)
        del chat.requests_seen[:]
        with suppress(TryLater):
            look()
        asked = [one for one in chat.requests_seen if one.path == SUBSCRIPTION]
        made_by_others.extend(one for one in asked if one.method == "POST")
        return bot

    monkeypatch.setattr(kit.storage, "save_bot", save)
    chat.install_bot(address)
    assert made_by_others == []
    (one,) = chat.webhooks.of(kit.bot_id)
    data = kit.storage.find_bot(kit.bot_id).data
    assert one.status == "Active" and data["subscriptionId"] == one.id and "pending" not in data


@pytest.mark.parametrize("who", ["watch", "maintain"])
def test_a_bot_whose_install_died_is_installed_for_good_by_who_subscribes_it(kit, who):
    """Or it would be removed, with all its connections, the next time it cannot be subscribed."""
    kit.storage.update_bot(kit.bot_id, {"pending": True, "subscriptionId": None})
    looks(kit)[who]()
    assert "pending" not in kit.storage.find_bot(kit.bot_id).data


def test_a_bot_that_was_installed_again_is_not_removed_for_what_happened_before(kit, monkeypatch):
    chat, call_pool = kit.world.ringcentral, kit.worker._call_pool
    monkeypatch.setattr(kit.worker, "_call_pool", lambda *_: None)  # all threads are busy
    kit.storage.messages.add(do_job("remove", kit.bot_id))
    kit.clock.advance(minutes=1)
    chat.install_bot(f"{kit.address}/bot/oauth")
    monkeypatch.setattr(kit.worker, "_call_pool", call_pool)
    kit.settle()
    assert kit.storage.messages.next_due(10) == {}
    assert "I understand" in kit.alice.say("help").text


@pytest.mark.parametrize("what", ["removed", "given up"])
def test_a_bot_that_is_installed_again_while_it_is_removed_stays(kit, what, monkeypatch):
    installation = kit.bot.installation
    new = {"access_token": "the new one"}

    def while_it_ends(*_, **__):
        kit.storage.save_bot(kit.bot_id, token=new, data={"pending": True})
        if what == "given up":
            raise ChatError("The old token is refused.")
        return 0

    if what == "removed":
        monkeypatch.setattr(installation, "_end", while_it_ends)
        installation.remove(kit.storage.find_bot(kit.bot_id))
    else:
        monkeypatch.setattr(installation.subscription, "ensure", while_it_ends)
        job = SimpleNamespace(name=("subscribe", kit.bot_id), tries=1)
        with pytest.raises(ChatError, match="refused"):
            installation.subscribe_again(job)
    assert kit.storage.find_bot(kit.bot_id).token == new


def test_what_waits_from_before_is_answered_when_the_address_is_known(monkeypatch):
    """It may be answered with a link, and the address is in every link."""
    order, start, open_address = [], Worker.start, running.open_address

    def open_slowly(*args):
        order.append("address")
        return open_address(*args)

    monkeypatch.setattr(running, "open_address", open_slowly)
    monkeypatch.setattr(Worker, "start", lambda self: (order.append("work"), start(self))[1])
    Kit().close()
    assert order[:2] == ["address", "work"]
