"""Late answers: what was read may have been replaced, and then nothing is written over it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from botkit.errors import (
    ChatBusy,
    ProviderNonsense,
    ProviderRefused,
    ProviderUnreachable,
    ReconnectNeeded,
)
from botkit.oauth import Provider, Revocation, end_connection, refresh, steps
from botkit.oauth.refresh import fresh_service, last_tokens
from botkit.storage import Service

ALICE = {"bot_id": "bot", "group_id": "team", "user_id": "alice"}
LONG_AGO = "2020-01-01T00:00:00+00:00"
ELSEWHERE = Provider(
    name="Elsewhere",
    slug="elsewhere",
    client_id="client",
    client_secret="client-secret",
    authorize_url="https://elsewhere.example/authorize",
    token_url="https://elsewhere.example/token",
    api_url="https://elsewhere.example/api",
    scopes=(),
    revocation=Revocation(
        method="POST",
        url="https://elsewhere.example/revoke",
        field="token",
        encoding="form",
        client_auth="basic",
        ends="connection",
    ),
)


def tokens(name: str, account: str = "1") -> dict:
    return {
        "accessToken": f"access-{name}",
        "refreshToken": f"refresh-{name}",
        "account": {"id": account, "name": name},
        "expiresAt": None,
        "needsReconnect": None,
    }


def connect(storage, name: str, account: str = "1") -> Service:
    return storage.save_service("Elsewhere", **ALICE, data=tokens(name, account))


@pytest.fixture
def service(storage) -> Service:
    old = connect(storage, "old")
    return storage.update_service(old.id, {"expiresAt": LONG_AGO})


@pytest.fixture
def given_back(monkeypatch) -> list[str]:
    """The access tokens that the provider was told to forget."""
    told: list[str] = []
    monkeypatch.setattr(
        refresh,
        "revoke_quietly",
        lambda _storage, _provider, data: told.append(data["accessToken"]),
    )
    return told


def while_it_answers(monkeypatch, happens, answer) -> None:
    """The token endpoint is slow, and `happens` before its answer is here."""

    def ask(_provider, _form):
        happens()
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(refresh, "ask_for_token", ask)


ANSWER = {"access_token": "access-late", "refresh_token": "refresh-late"}
REFUSED = ProviderRefused("No.", code="invalid_grant")


@pytest.mark.parametrize("answer", [ANSWER, REFUSED], ids=["new tokens", "a refusal"])
def test_a_late_refresh_leaves_a_newer_connection_as_it_is(
    storage, service, monkeypatch, given_back, answer
):
    while_it_answers(monkeypatch, lambda: connect(storage, "new", "2"), answer)
    found = fresh_service(storage, ELSEWHERE, service)
    assert (found.access_token, found.refresh_token) == ("access-new", "refresh-new")
    row = storage.get_service(service.id)
    assert row.account["name"] == "new" and "needsReconnect" not in row.data
    assert given_back == (["access-late"] if answer is ANSWER else [])


def test_tokens_that_find_no_row_any_more_are_given_back(storage, service, monkeypatch, given_back):
    gone = lambda: storage.delete_service(storage.get_service(service.id))  # noqa: E731
    while_it_answers(monkeypatch, gone, ANSWER)
    with pytest.raises(ReconnectNeeded):
        fresh_service(storage, ELSEWHERE, service, rejected="access-old")
    assert storage.find_services() == [] and given_back == ["access-late"]


def test_a_refresh_keeps_what_others_have_written_in_the_meantime(
    storage, service, monkeypatch, given_back
):
    mark = lambda: storage.update_service(service.id, {"pageToken": "7"})  # noqa: E731
    while_it_answers(monkeypatch, mark, ANSWER)
    found = fresh_service(storage, ELSEWHERE, service)
    assert found.access_token == "access-late" and found.data["pageToken"] == "7"
    assert given_back == []


@pytest.mark.parametrize("answer", [ANSWER, ProviderUnreachable("Too slow.")], ids=["late", "none"])
def test_sixteen_threads_make_one_request_however_slow_the_provider_is(
    storage, service, monkeypatch, answer
):
    """The answer comes, or the end of the request does, when all the others have long waited."""
    all_wait, waiting, requests = threading.Event(), set(), []

    def others_wait():
        requests.append(1)
        assert all_wait.wait(60)

    def look_again(seconds):
        waiting.add(threading.get_ident())
        if len(waiting) == 15:
            all_wait.set()
        assert all_wait.wait(60)
        refresh.time.sleep(seconds)

    while_it_answers(monkeypatch, others_wait, answer)

    def ask(_number):
        try:
            return fresh_service(storage, ELSEWHERE, service, sleep=look_again).access_token
        except ProviderUnreachable:
            return "unreachable"

    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(ask, range(16)))
    assert len(requests) == 1
    assert found == 16 * ["access-late" if answer is ANSWER else "unreachable"]
    assert storage.messages.hold(f"refresh:{service.id}", 60)  # nobody holds it any more


def test_after_a_failed_refresh_the_next_one_asks_again(storage, service, monkeypatch):
    while_it_answers(monkeypatch, lambda: None, ProviderUnreachable("Too slow."))
    with pytest.raises(ProviderUnreachable):
        fresh_service(storage, ELSEWHERE, service)
    while_it_answers(monkeypatch, lambda: None, ANSWER)
    assert fresh_service(storage, ELSEWHERE, service).access_token == "access-late"


def test_a_hold_on_a_refresh_outlives_every_request():
    assert refresh.HOLD_SECONDS > 2 * 15  # seconds; the longest that a request may take


def test_only_the_row_that_was_read_is_deleted(storage):
    before = connect(storage, "old")
    connect(storage, "new")
    assert storage.delete_service(before) is False
    assert storage.find_service("Elsewhere", **ALICE).access_token == "access-new"
    assert storage.delete_service(storage.find_service("Elsewhere", **ALICE)) is True


def test_a_change_of_anything_else_does_not_save_a_row_from_being_deleted(storage):
    before = connect(storage, "old")
    storage.update_service(before.id, {"pageToken": "7"})
    assert storage.delete_service(before) is True


def test_the_last_tokens_of_a_dead_connection_are_those_of_its_row(storage, service, monkeypatch):
    while_it_answers(monkeypatch, lambda: None, REFUSED)
    last = last_tokens(storage, ELSEWHERE, service)
    assert last.data["needsReconnect"] is True and storage.delete_service(last)


def test_the_last_tokens_are_refreshed_ones(storage, service, monkeypatch):
    while_it_answers(monkeypatch, lambda: None, ANSWER)
    last = last_tokens(storage, ELSEWHERE, service)
    assert last.access_token == "access-late" and storage.delete_service(last)
    assert last_tokens(storage, replace(ELSEWHERE, revocation=None), service) is service


def test_of_many_that_delete_one_row_one_is_told_that_it_did(storage):
    row, start, said = connect(storage, "old"), threading.Barrier(8), []

    def delete() -> None:
        start.wait()
        said.append(storage.delete_service(row))

    threads = [threading.Thread(target=delete) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sorted(said) == [False] * 7 + [True]


# ---- ending a connection -------------------------------------------------------------------------


def while_it_revokes(monkeypatch, happens) -> list[str]:
    """The revocation is slow, and `happens` before it is confirmed; the tokens that were sent."""
    sent: list[str] = []

    def revoke_token(_provider, _revocation, token):
        sent.append(token)
        happens()

    monkeypatch.setattr(steps, "revoke_token", revoke_token)
    return sent


def test_a_connection_made_while_the_old_one_is_revoked_stays(storage, monkeypatch):
    old = connect(storage, "old")
    sent = while_it_revokes(monkeypatch, lambda: connect(storage, "new"))
    assert end_connection(storage, ELSEWHERE, old) == []
    assert sent == ["access-old"]
    assert storage.find_service("Elsewhere", **ALICE).access_token == "access-new"


def refuse() -> None:
    raise ProviderNonsense("Elsewhere did not confirm.")


def test_a_row_goes_also_when_the_provider_does_not_confirm(
    storage, service, monkeypatch, given_back
):
    while_it_answers(monkeypatch, lambda: None, ANSWER)  # its token has expired: refreshed first
    sent = while_it_revokes(monkeypatch, refuse)
    with pytest.raises(ProviderNonsense):
        end_connection(storage, ELSEWHERE, service)
    assert sent == ["access-late"] and storage.find_services() == []


def test_a_connection_that_the_provider_has_ended_goes_without_a_revocation(
    storage, service, monkeypatch
):
    while_it_answers(monkeypatch, lambda: None, REFUSED)
    sent = while_it_revokes(monkeypatch, refuse)
    assert end_connection(storage, ELSEWHERE, service) == []
    assert sent == [] and storage.find_services() == []


def test_what_would_end_another_connection_is_deleted_here_only(storage, monkeypatch):
    everything = replace(ELSEWHERE, revocation=replace(ELSEWHERE.revocation, ends="everything"))
    mine = connect(storage, "mine")
    there = ALICE | {"group_id": "elsewhere"}
    storage.save_service("Elsewhere", **there, data=tokens("there"))
    sent = while_it_revokes(monkeypatch, refuse)
    assert end_connection(storage, everything, mine) == ["Elsewhere"]
    assert sent == [] and [row.group_id for row in storage.find_services()] == ["elsewhere"]


# ---- a bot ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", ["installed again", "removed"])
def test_a_bot_that_has_changed_is_not_written(storage, change):
    storage.save_bot("bot", token={"access_token": "old"}, data={"name": "Bot"})
    read = storage.find_bot("bot")
    if change == "installed again":
        storage.save_bot("bot", token={"access_token": "new"}, data={})
    else:
        storage.delete_bot("bot")
    assert storage.update_bot(read, {"subscriptionId": "late"}) is None
    left = storage.find_bot("bot")
    assert left is None or "subscriptionId" not in left.data
    assert left is None or storage.update_bot(left, {"subscriptionId": "in time"})


def test_a_subscription_of_a_bot_that_was_installed_again_is_not_remembered(kit, monkeypatch):
    kit.alice.say("help")
    ensure, call = kit.bot.installation.subscription.ensure, kit.chat.call
    kit.storage.update_bot(kit.bot_id, {"subscriptionId": "another"})
    token = kit.storage.find_bot(kit.bot_id).token
    deleted = []

    def slow(bot_id, method, path, *rest, **more):
        answer = call(bot_id, method, path, *rest, **more)
        if method == "POST":
            kit.storage.save_bot(bot_id, token=token | {"new": "token"}, data={})
        if method == "DELETE":
            deleted.append(path.rpartition("/")[2])
        return answer

    monkeypatch.setattr(kit.chat, "call", slow)
    with pytest.raises(ChatBusy, match="installed again"):
        ensure(kit.bot_id)
    bot = kit.storage.find_bot(kit.bot_id)
    assert bot.data["subscriptionId"] == "another" and len(deleted) == 1
    monkeypatch.setattr(kit.chat, "call", call)
    assert ensure(kit.bot_id) == "made"
