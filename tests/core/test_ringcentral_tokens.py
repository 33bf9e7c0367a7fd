"""The life of a RingCentral connection: rotation, its two grace timers, and one refresh for all.

RingCentral's rules: a refresh token works once.  The old one brings the same new pair for an hour
while nobody has used the new access token, and for ten seconds once somebody has.
"""

from __future__ import annotations

import threading
from urllib.parse import parse_qs, urlsplit

import pytest

from botkit import oauth, providers
from botkit.errors import ProviderRefused, ReconnectNeeded, StorageError
from botkit.oauth import ask_for_token, http
from botkit.oauth.refresh import fresh_service
from botkit.practice.browser.browser import Browser
from botkit.practice.ringcentral.server import RingCentral
from botkit.practice.server import Server

OWNER = {"bot_id": "bot", "group_id": "team", "user_id": "alice"}
CALLBACK = "http://127.0.0.1:9/ringcentral/oauth"
ME = "/account/~/extension/~"


class Connected:
    """A stored connection to a practice RingCentral, which looks at the same clock as we do."""

    def __init__(self, storage, clock, *, refresh_tokens=True) -> None:
        self.storage, self.clock = storage, clock
        self.practice = RingCentral(now=clock)
        self.practice.issue_refresh_tokens = refresh_tokens
        self.server = Server(self.practice.wsgi)
        self.practice.address = self.server.url
        client = self.practice.register_app("Assistant", [CALLBACK])
        self.provider = providers.ringcentral(*client, server=self.server.url)
        self.service = self.connect()

    def connect(self, **place):
        """Steps 1 and 2, with Alice at the browser."""
        link = oauth.auth_link(
            self.storage, self.provider, **(OWNER | place), redirect_uri=CALLBACK
        )
        browser = Browser(cookies={"ringcentral_account": "alice"})
        browser.stop_before = CALLBACK
        query = parse_qs(urlsplit(browser.visit(link).approve().url).query)
        return oauth.handle_callback(self.storage, self.provider, query)

    def row(self):
        return self.storage.get_service(self.service.id)

    def pair(self):
        return self.row().access_token, self.row().refresh_token

    def refreshes(self) -> int:
        """Requests to the token endpoint, without the one that exchanged the code."""
        seen = self.practice.requests_seen
        return sum(one.path == "/restapi/oauth/token" for one in seen) - 1

    def refresh_with(self, refresh_token):
        """A refresh whose answer does not reach the database; the pair in that answer."""
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        answer = ask_for_token(self.provider, form)
        return answer["access_token"], answer["refresh_token"]

    def name(self) -> str:
        answer = oauth.api_session(self.storage, self.provider, self.service).get(ME)
        return str(answer.json()["name"])


@pytest.fixture
def connected(storage, clock):
    connected = Connected(storage, clock)
    yield connected
    connected.server.stop()


def test_a_connection_lives_on_as_long_as_it_is_used_once_a_week(connected, clock):
    pairs = {connected.pair()}
    for days in (0.04, 6.9, 6.9, 6.9):
        clock.advance(days=days)
        assert connected.name() == "Alice Rivera"
        pairs.add(connected.pair())
    assert len(pairs) == 5 and connected.refreshes() == 4
    assert len({refresh_token for _, refresh_token in pairs}) == 5  # each works once


def test_a_connection_that_nobody_used_for_a_week_is_over_and_asked_no_more(connected, clock):
    clock.advance(days=7.1)
    for _ in range(2):
        with pytest.raises(ReconnectNeeded):
            connected.name()
    assert connected.row().data["needsReconnect"] is True
    assert connected.refreshes() == 1


@pytest.mark.parametrize("minutes", [0, 30, 59])
def test_a_lost_answer_comes_again_within_an_hour(connected, clock, minutes):
    clock.advance(hours=1)
    lost = connected.refresh_with(connected.row().refresh_token)
    clock.advance(minutes=minutes)
    assert connected.pair() != lost
    fresh_service(connected.storage, connected.provider, connected.service)
    assert connected.pair() == lost
    assert connected.name() == "Alice Rivera"


def test_after_an_hour_a_lost_answer_is_lost(connected, clock):
    clock.advance(hours=1)
    connected.refresh_with(connected.row().refresh_token)
    clock.advance(minutes=61)
    with pytest.raises(ReconnectNeeded):
        connected.name()
    assert connected.row().data["needsReconnect"] is True


def test_once_the_new_token_is_used_the_old_refresh_token_lives_for_ten_seconds(connected, clock):
    old = connected.row().refresh_token
    clock.advance(hours=1)
    assert connected.name() == "Alice Rivera"
    new = connected.pair()
    clock.advance(seconds=9)
    assert connected.refresh_with(old) == new
    clock.advance(seconds=2)
    with pytest.raises(ProviderRefused) as refused:
        connected.refresh_with(old)
    assert refused.value.code == "invalid_grant"
    assert connected.name() == "Alice Rivera"  # the new pair has not suffered
    assert connected.pair() == new


def test_the_old_access_token_dies_at_once_and_whoever_holds_it_takes_the_new_one(connected, clock):
    session = oauth.api_session(connected.storage, connected.provider, connected.service)
    clock.advance(minutes=56)  # within the leeway: refreshed before its end
    assert connected.name() == "Alice Rivera"
    assert session.get(ME).json()["name"] == "Alice Rivera"
    assert connected.refreshes() == 1


def test_a_new_pair_is_saved_before_it_is_used(connected, clock):
    stored = []

    class Watcher:
        def before(self, request):
            if request.url.endswith(ME):
                sent = request.headers["Authorization"].removeprefix("Bearer ")
                stored.append(sent == connected.row().access_token)

        def after(self, ticket, response, error):
            pass

    watcher, before = Watcher(), connected.pair()
    http.watchers.append(watcher)
    try:
        clock.advance(hours=1)
        connected.name()
    finally:
        http.watchers.remove(watcher)
    assert stored == [True] and connected.pair() != before


def test_a_pair_that_could_not_be_saved_was_not_used_and_comes_again(connected, clock, monkeypatch):
    def fail(*_args):
        raise StorageError("The disk is full.")

    clock.advance(hours=1)
    with monkeypatch.context() as broken:
        broken.setattr(connected.storage, "update_service", fail)
        with pytest.raises(StorageError):
            connected.name()
    (session,) = connected.practice.sessions
    assert session.pair.used_at is None
    clock.advance(minutes=50)
    assert connected.name() == "Alice Rivera"
    assert session.pair.access_token == connected.row().access_token


def test_sixteen_threads_on_one_expired_token_make_one_refresh_request(connected, clock):
    clock.advance(hours=2)
    start, names = threading.Barrier(16), []

    def ask():
        start.wait()
        names.append(connected.name())

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names == ["Alice Rivera"] * 16
    assert connected.refreshes() == 1


def test_an_app_without_refresh_tokens_works_for_an_hour(storage, clock):
    connected = Connected(storage, clock, refresh_tokens=False)
    clock.advance(minutes=59)
    assert connected.name() == "Alice Rivera"
    clock.advance(minutes=2)
    with pytest.raises(ReconnectNeeded):
        connected.name()
    assert connected.refreshes() == 0
    connected.server.stop()


def test_revoking_ends_this_session_and_not_the_one_in_another_chat(connected, storage):
    before = connected.service
    connected.service = connected.connect(group_id="another team")
    oauth.revoke(storage, connected.provider, before)
    assert len(connected.practice.sessions) == 1
    assert connected.name() == "Alice Rivera"
    with pytest.raises(ProviderRefused):
        connected.refresh_with(before.refresh_token)
