"""The provider is down, keeps silent, or cuts the line, at each of the steps.

Nothing that was there is lost, the person reads a sentence, and it goes on without a restart.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest
from faults_wire import Wire
from serve_world import free_port

from botkit.lessons.kit import Kit
from botkit.oauth import http
from botkit.practice.github.server import GitHub
from botkit.practice.google.server import Google
from botkit.practice.ringcentral.server import RingCentral
from botkit.practice.server import Server
from botkit.practice.world import Clock
from botkit.providers import google_drive
from botkit.settings import Registration, Settings
from botkit.storage import new_key

LONG_AGO = "2020-01-01T00:00:00+00:00"
TROUBLES = ["refused", "silent", "cut"]
SAYS = {
    "refused": "could not be reached",
    "silent": "did not answer in time",
    "cut": "could not be reached",
}


@dataclass
class Case:
    """A service: what people say to use it and to leave it, and the beginnings of its paths.

    `one_use`: a refresh token works once, even if its answer was lost on the way.
    """

    called: str
    server: Any
    command: str
    answer: str
    leave: str
    token: str
    account: str
    revoke: str
    one_use: bool = False


GITHUB = Case(
    "GitHub",
    GitHub,
    "profile",
    "Here is your GitHub profile",
    "disconnect",
    "/login/oauth/access_token",
    "/api/v3/user",
    "/api/v3/applications",
    one_use=True,
)
GOOGLE = Case(
    "Google",
    Google,
    "google-account",
    "You are connected to Google",
    "disconnect google-account",
    "/token",
    "/oauth2/v2/userinfo",
    "/revoke",
)
RINGCENTRAL = Case(
    "RingCentral",
    RingCentral,
    "presence",
    "Your presence",
    "disconnect",
    "/restapi/oauth/token",
    "/restapi/v1.0/account",
    "/restapi/oauth/revoke",
)


class Wired:
    """A bot whose provider is at the end of a wire, and Alice."""

    def __init__(self, case: Case) -> None:
        self.case = case
        practice = case.server(now=Clock())
        self._server = Server(practice.wsgi)
        self.wire = Wire(self._server.port)
        practice.address = self.wire.address
        port = free_port()
        self.kit = self._kit(practice, port, f"http://127.0.0.1:{port}")
        self.alice = self.kit.alice

    def _kit(self, practice: Any, port: int, bot: str) -> Kit:
        settings = Settings(port=port, secret_keys=(new_key(),))
        if self.case is GITHUB:
            app = practice.register_app("My bot", [f"{bot}/github/oauth"], expire_tokens=True)
            return Kit(settings.with_registration("github", Registration(*app, self.wire.address)))
        if self.case is RINGCENTRAL:
            app = practice.register_app("My bot", [f"{bot}/ringcentral/oauth"])
            there = Registration(*app, self.wire.address)
            settings = settings.with_registration("ringcentral_app", there)
            return Kit(replace(settings, skills=("ringcentral",)))
        # Google as a service of which the bot knows no more than whose account it is.
        app = practice.register_client("My bot", [f"{bot}/google-account/oauth"])
        named = {"name": "GoogleAccount", "slug": "google-account", "title": "Google"}
        kit = Kit(settings)
        kit.add(replace(google_drive(*app, server=self.wire.address), **named))
        return kit

    def say(self, text: str) -> str:
        return str(self.alice.say(text).text)

    def rows(self) -> list[Any]:
        return self.kit.storage.find_services()

    def approve(self) -> Any:
        """Ask for a link, follow it, approve: the page of the callback."""
        assert "Connect your" in self.say(self.case.command)
        return self.alice.browser.visit(self.alice.link).approve()

    def connect(self) -> None:
        assert "Connected to" in self.alice.confirm(self.approve()).text
        self.works()

    def works(self) -> None:
        assert self.say(self.case.command).startswith(self.case.answer)

    def close(self) -> None:
        self.kit.close()
        self.wire.close()
        self._server.stop()


def short_limit(send, wire):
    """`Session.send`, with 0.2 s for a request that gets no answer however long it waits."""

    def patched(self, request, **options):
        if not wire.holds(request.path_url):
            return send(self, request, **options)
        before = dict(vars(self))
        vars(self).update(seconds=0.2)
        try:
            return send(self, request, **options)
        finally:
            vars(self).clear()
            vars(self).update(before)

    return patched


@pytest.fixture(scope="module", params=[GITHUB, GOOGLE, RINGCENTRAL], ids=lambda case: case.called)
def service(request):
    """One bot for all tests of a service."""
    wired = Wired(request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(http.Session, "send", short_limit(http.Session.send, wired.wire))
        yield wired
    wired.close()


@pytest.fixture
def wired(service):
    """Alice is not connected, whatever happened in the test before."""
    if service.rows():
        service.say(service.case.leave)
    assert service.rows() == [] and service.wire.is_clear
    return service


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("step", ["token", "account"])
def test_in_the_callback_nothing_is_stored_and_a_new_link_works(wired, step, trouble):
    wired.wire.next(getattr(wired.case, step), trouble)
    page = wired.approve()
    assert wired.wire.is_clear
    assert (page.status, page.heading) == (504, "Not connected")
    assert f"{wired.case.called} {SAYS[trouble]}." in page.text
    assert "sk the bot" in page.text and "for a new link" in page.text
    assert wired.rows() == []
    assert wired.alice.browser.visit(page.url).heading == "Already used"
    wired.connect()


@pytest.mark.parametrize("trouble", TROUBLES)
def test_at_an_api_call_the_connection_stays_and_works_again(wired, trouble):
    wired.connect()
    (before,) = wired.rows()
    wired.wire.next(wired.case.account, trouble)
    said = wired.say(wired.case.command)
    assert wired.wire.is_clear
    assert f"{wired.case.called} {SAYS[trouble]}." in said and "try again in a moment" in said
    (after,) = wired.rows()
    assert after.data == before.data
    wired.works()


@pytest.mark.parametrize("trouble", TROUBLES)
def test_at_a_refresh_the_refresh_token_stays_unless_it_is_used_up(wired, trouble):
    wired.connect()
    (before,) = wired.rows()
    wired.kit.storage.update_service(before.id, {"expiresAt": LONG_AGO})
    wired.wire.next(wired.case.token, trouble)
    said = wired.say(wired.case.command)
    assert wired.wire.is_clear
    assert f"{wired.case.called} {SAYS[trouble]}." in said and "try again in a moment" in said
    (after,) = wired.rows()
    assert after.data == before.data | {"expiresAt": LONG_AGO}  # and nobody has it in hand
    if trouble == "cut" and wired.case.one_use:  # the next refresh token is lost with the answer
        assert "no longer accepts this connection" in wired.say(wired.case.command)
        wired.connect()
    wired.works()
    assert len(wired.rows()) == 1


@pytest.mark.parametrize("trouble", TROUBLES)
def test_at_a_disconnect_it_is_gone_here_and_the_person_is_told_what_to_do(wired, trouble):
    wired.connect()
    wired.wire.next(wired.case.revoke, trouble)
    said = wired.say(wired.case.leave)
    assert wired.wire.is_clear
    assert f"Disconnected here, but: {wired.case.called} {SAYS[trouble]}." in said
    assert "You can remove the app yourself in your" in said
    assert wired.rows() == []
    wired.connect()


def test_while_nobody_listens_there_every_answer_is_a_sentence(wired):
    wired.connect()
    wired.wire.down()
    for _ in range(2):
        said = wired.say(wired.case.command)
        assert f"{wired.case.called} could not be reached. Please try again" in said
    wired.wire.up()
    wired.works()
