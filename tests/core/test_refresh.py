"""One refresh, whoever asks: threads, processes, and a process that dies with the turn in hand."""

from __future__ import annotations

import threading
from urllib.parse import parse_qs, urlsplit

import pytest
from python_process import PIPE, start
from sizes import Size

from botkit import oauth, providers
from botkit.errors import ProviderNonsense, ReconnectNeeded
from botkit.oauth.refresh import fresh_service
from botkit.practice.browser.browser import Browser
from botkit.storage import Storage

OWNER = {"bot_id": "bot", "group_id": "team", "user_id": "alice"}
CALLBACK = "http://127.0.0.1:9/github/oauth"
LONG_AGO = "2020-01-01T00:00:00+00:00"
PROCESSES = Size(2, nightly=4)

# What each of the processes does: sixteen threads want the profile at the same moment.  It says so
# when all of them wait for an answer; in the process that asks, one does not look at the row again.
WORKER = """
import sys, threading
from botkit.oauth import refresh
from botkit import oauth, providers
from botkit.storage import Storage
url, server, client_id, client_secret = sys.argv[1:]
storage = Storage(url)
provider = providers.github(client_id, client_secret, server=server)
(service,) = storage.find_services(bot_id="bot")
start, logins, waiting, told = threading.Barrier(16), [], set(), threading.Event()
def look_again(seconds, wait=refresh.time.sleep):
    waiting.add(threading.get_ident())
    if len(waiting) >= 15:
        told.set()
    wait(seconds)
refresh.fresh_service.__kwdefaults__["sleep"] = look_again
def ask():
    start.wait()
    answer = oauth.api_session(storage, provider, service).get("/user")
    logins.append(answer.json()["login"])
threads = [threading.Thread(target=ask) for _ in range(16)]
print("ready", flush=True)
input()
[thread.start() for thread in threads]
told.wait(60)
print("waiting", flush=True)
[thread.join() for thread in threads]
print(*logins)
"""
# One that takes the connection in hand and is killed before it has asked.
KILLED = """
import os, sys
from botkit.storage import Storage
storage = Storage(sys.argv[1])
(service,) = storage.find_services(bot_id="bot")
assert storage.messages.hold(f"refresh:{service.id}", float(sys.argv[2]))
os.kill(os.getpid(), 9)
"""


class Connected:
    """A stored connection to a practice GitHub whose tokens expire."""

    def __init__(self, process, url: str) -> None:
        client = process.call("register_app", "My bot", [CALLBACK], expire_tokens=True)
        self.process, self.url, self.client = process, url, client
        self.provider = providers.github(*client, server=process.address)
        self.storage = Storage(url)
        self.storage.set_up()
        link = oauth.auth_link(self.storage, self.provider, **OWNER, redirect_uri=CALLBACK)
        browser = Browser(cookies={"github_account": "alice"})
        browser.stop_before = CALLBACK
        query = parse_qs(urlsplit(browser.visit(link).approve().url).query)
        self.service = oauth.handle_callback(self.storage, self.provider, query)

    def row(self):
        return self.storage.get_service(self.service.id)

    def expire(self) -> None:
        self.storage.update_service(self.service.id, {"expiresAt": LONG_AGO})

    def refreshes(self) -> int:
        """Requests to the token endpoint, without the one that exchanged the code."""
        seen = self.process.call("requests_seen")
        return sum(request["path"] == "/login/oauth/access_token" for request in seen) - 1

    def get_user(self):
        return oauth.api_session(self.storage, self.provider, self.service).get("/user")


@pytest.fixture
def connected(github_process, database_url):
    connected = Connected(github_process, database_url)
    yield connected
    connected.storage.close()


def test_a_token_near_its_end_is_refreshed_saved_and_used(connected):
    before = connected.row()
    connected.expire()
    assert connected.get_user().json()["login"] == "alice-practice"
    after = connected.row()
    assert connected.refreshes() == 1
    assert after.access_token != before.access_token
    assert after.refresh_token != before.refresh_token  # rotated
    assert after.expires_at > before.expires_at.replace(year=2021)
    assert after.data["account"] == before.data["account"]
    assert connected.storage.messages.hold(f"refresh:{after.id}", 60)  # nobody holds it any more


def test_a_good_token_is_left_alone(connected):
    connected.get_user()
    assert connected.refreshes() == 0


def test_a_refused_token_leads_to_one_refresh_and_one_more_try(connected):
    connected.process.call("expire_everything")  # the row still believes in its token
    assert connected.get_user().json()["login"] == "alice-practice"
    assert connected.refreshes() == 1


def test_a_refresh_refused_for_good_marks_the_row_and_says_reconnect(connected):
    connected.process.call("revoke", "alice")
    connected.expire()
    with pytest.raises(ReconnectNeeded, match="no longer accepts"):
        connected.get_user()
    assert connected.row().data["needsReconnect"] is True
    with pytest.raises(ReconnectNeeded):
        connected.get_user()
    assert connected.refreshes() == 1  # and it does not knock again


def test_trouble_at_the_provider_is_not_for_good(connected):
    before = connected.row()
    connected.expire()
    connected.process.call("trouble.next", path="/login/oauth/access_token", status=500)
    with pytest.raises(ProviderNonsense):
        connected.get_user()
    assert connected.row().refresh_token == before.refresh_token
    assert connected.get_user().json()["login"] == "alice-practice"


def test_an_answer_without_a_refresh_token_keeps_the_stored_one(connected):
    before = connected.row()
    connected.expire()
    body = "access_token=t&token_type=bearer&expires_in=60"
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    connected.process.call("trouble.next", path="/login", status=200, body=body, headers=kind)
    row = fresh_service(connected.storage, connected.provider, connected.service)
    assert (row.access_token, row.refresh_token) == ("t", before.refresh_token)
    assert row.data["scope"] == before.data["scope"]


def test_another_accounts_refresh_token_is_not_kept(connected):
    process, storage, provider = connected.process, connected.storage, connected.provider
    answer = "access_token=t&token_type=bearer"
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    link = oauth.auth_link(storage, provider, **OWNER, redirect_uri=CALLBACK)
    query = {"code": ["c"], "state": parse_qs(urlsplit(link).query)["state"]}
    process.call("trouble.next", path="/login", status=200, body=answer, headers=kind)
    user = '{"id": 4711, "login": "somebody-else"}'
    process.call("trouble.next", path="/api/v3/user", status=200, body=user)
    row = oauth.handle_callback(storage, provider, query)
    assert row.account["name"] == "somebody-else" and row.refresh_token is None


def test_a_row_that_is_gone_says_reconnect(connected):
    connected.storage.delete_service(connected.service)
    with pytest.raises(ReconnectNeeded):
        connected.get_user()


def test_sixteen_threads_in_each_of_several_processes_make_one_refresh(connected):
    """The provider takes 27 seconds, unless everybody waits for it before."""
    connected.expire()
    connected.process.call("trouble.next", path="/login/oauth/access_token", status=None, delay=27)
    arguments = [connected.url, connected.process.address, *connected.client]
    workers = [
        start("-c", WORKER, *arguments, stdin=PIPE, stdout=PIPE, stderr=PIPE)
        for _ in range(PROCESSES)
    ]
    assert [worker.stdout.readline() for worker in workers] == ["ready\n"] * PROCESSES
    for worker in workers:
        worker.stdin.write("\n")
        worker.stdin.flush()
    assert [worker.stdout.readline() for worker in workers] == ["waiting\n"] * PROCESSES
    connected.process.call("trouble.clear")
    outputs = [worker.communicate(timeout=120) for worker in workers]
    assert [errors for _, errors in outputs] == [""] * PROCESSES
    assert "".join(output for output, _ in outputs).split() == ["alice-practice"] * 16 * PROCESSES
    assert connected.refreshes() == 1


def test_a_process_that_dies_with_the_turn_in_hand_holds_nobody_up_for_long(connected):
    connected.expire()
    assert start("-c", KILLED, connected.url, "60").wait() == -9
    assert connected.storage.messages.hold(f"refresh:{connected.service.id}", 60) is None
    waits = []

    def a_minute_passes(seconds: float) -> None:
        waits.append(seconds)
        moment = connected.storage.now()
        connected.storage.now = lambda: moment.replace(year=moment.year + 1)

    row = fresh_service(
        connected.storage, connected.provider, connected.service, sleep=a_minute_passes
    )
    assert len(waits) == 1
    assert row.access_token and connected.refreshes() == 1


def test_who_waits_takes_what_the_other_one_got(connected):
    connected.expire()
    key = f"refresh:{connected.service.id}"
    holder = connected.storage.messages.hold(key, 60)
    looked = threading.Event()
    found = []

    def look_again(_seconds: float) -> None:
        looked.set()

    waiting = threading.Thread(
        target=lambda: found.append(
            fresh_service(
                connected.storage, connected.provider, connected.service, sleep=look_again
            )
        )
    )
    waiting.start()
    assert looked.wait(30)
    ours = {"accessToken": "ours", "expiresAt": "2999-01-01T00:00:00+00:00"}
    connected.storage.update_service(connected.service.id, ours)
    connected.storage.messages.drop(key, holder)
    waiting.join(30)
    assert found[0].access_token == "ours" and connected.refreshes() == 0


@pytest.mark.parametrize("written", ["soon", 17, None])
def test_an_end_that_cannot_be_read_is_no_end(connected, written):
    row = connected.storage.update_service(connected.service.id, {"expiresAt": written})
    assert row.expires_at is None
    assert connected.get_user().ok and connected.refreshes() == 0


def test_a_connection_with_an_old_token_can_still_be_revoked(connected):
    connected.expire()
    connected.process.call("expire_everything")
    oauth.revoke(connected.storage, connected.provider, connected.service)
    assert connected.process.call("_ledger.grants") == {}


def test_what_the_provider_has_forgotten_needs_no_revoking(connected):
    connected.process.call("revoke", "alice")
    connected.expire()
    oauth.revoke(connected.storage, connected.provider, connected.service)
    assert connected.row().data["needsReconnect"] is True
