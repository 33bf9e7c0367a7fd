"""People who connect do not keep the chat waiting, whatever their providers do.

RingCentral gives a webhook three seconds.  The bot runs as people run it: `serve`, and gunicorn
with botkit's configuration.  GitHub takes its time, or sends a byte now and then.
"""

from __future__ import annotations

import importlib.util
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from faults_world import SIX_DIGITS, Town, visit
from missing import left_out
from serve_world import PAUSE, SECONDS, SERVE, answers, wait_until
from sizes import NIGHTLY, Size

PEOPLE = Size(30, nightly=90)  # a usual workshop; a large one
STRANGERS = Size(40, nightly=200)
MOST = 1.0 if NIGHTLY else 2.0  # seconds that a webhook may take, or a question about health
TOKEN, USER = "/login/oauth/access_token", "/api/v3/user"


@pytest.fixture
def limits():
    return {}


@pytest.fixture(params=["serve", "gunicorn"])
def bot(request, serve, town, sqlite_url, limits):
    """A bot that is installed in the town's chat, as a process."""
    command = SERVE
    if request.param == "gunicorn":
        if importlib.util.find_spec("gunicorn") is None:
            left_out("gunicorn")
        command = ["-m", "gunicorn", "-c", "python:botkit.run.gunicorn"]
        command += ["--bind", f"127.0.0.1:{serve.port}", "botkit.run.serve:app()"]
    bot = serve(command=command, limits=limits, **town.settings(serve.address, sqlite_url))
    wait_until(lambda: answers(serve.address))
    town.install(serve.address)
    return bot


class Webhooks:
    """Somebody who delivers all the time, as RingCentral does; `seconds` is what each took."""

    def __init__(self, town: Town, address: str) -> None:
        self.seconds: list[float] = []
        self._address = address
        self._town = town
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._deliver, args=(n,)) for n in range(2)]

    def __enter__(self) -> Webhooks:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _deliver(self, number: int) -> None:
        (subscription,) = self._town.chat.webhooks.of(self._town.chat.bot.id)
        headers = {"Verification-Token": subscription.verification_token}
        envelope = {"uuid": "", "event": "/team-messaging/v1/groups", "body": {}}
        envelope |= {"ownerId": subscription.owner_id, "subscriptionId": subscription.id}
        count = 0
        while not self._stop.is_set():
            count += 1
            envelope["uuid"] = f"{number}-{count}"
            began = time.monotonic()
            answer = requests.post(
                f"{self._address}/bot/webhook", json=envelope, headers=headers, timeout=SECONDS
            )
            answered = time.monotonic()
            health = requests.get(f"{self._address}/health", timeout=SECONDS)
            self.seconds += [answered - began, time.monotonic() - answered]
            assert (answer.status_code, health.status_code) == (200, 200)
            self._stop.wait(PAUSE)


def callbacks_of(town, serve):
    """The address to which each person's browser goes after approving."""
    people = [town.person(number) for number in range(PEOPLE)]
    for person in people:
        person.write("profile")
    return [person.approves(person.reads(), serve.address) for person in people]


@pytest.mark.slow
def test_a_workshop_connects_while_the_chat_delivers(bot, serve, town, say):
    callbacks = callbacks_of(town, serve)
    town.github.trouble.next(times=PEOPLE, path=TOKEN, status=None, delay=0.7)
    town.github.trouble.next(times=PEOPLE, path=USER, status=None, delay=0.7)
    with Webhooks(town, serve.address) as webhooks, ThreadPoolExecutor(PEOPLE) as pool:
        began = time.monotonic()
        visits = list(pool.map(visit, callbacks))
        seconds = time.monotonic() - began
    pages = [page for page, _ in visits]
    assert {page.status_code for page in pages} == {200}
    assert len({SIX_DIGITS.search(page.text)[0] for page in pages}) > PEOPLE / 2
    assert max(town.exchanges.values()) == 1 and len(town.exchanges) == PEOPLE
    say(
        f"{PEOPLE} callbacks in {seconds:.1f} s, at most {max(n for _, n in visits)} visits; "
        f"{len(webhooks.seconds)} webhooks, the slowest {max(webhooks.seconds):.3f} s"
    )
    assert max(webhooks.seconds) < MOST
    assert town.hears()


@pytest.mark.slow
@pytest.mark.parametrize("limits", [{"botkit.oauth.http.TOTAL_SECONDS": 4.0}], ids=[""])
def test_a_github_that_drips_keeps_nobody_else_waiting(bot, serve, town, say):
    """It sends a byte now and then, so no timeout between two bytes would end it."""
    callbacks = callbacks_of(town, serve)
    town.drips.set()
    with Webhooks(town, serve.address) as webhooks, ThreadPoolExecutor(PEOPLE) as pool:
        pages = [pool.submit(requests.get, one, timeout=60) for one in callbacks]
        wait_until(lambda: sum(town.exchanges.values()) > 0)
        unknown = requests.get(f"{serve.address}/github/oauth?code=x&state=y", timeout=SECONDS)
        assert unknown.status_code == 400  # its page, while no place is free
        wait_until(lambda: len(webhooks.seconds) > 20)
        statuses = {page.result().status_code for page in pages}
    say(f"{PEOPLE} dripping callbacks: the slowest webhook {max(webhooks.seconds):.3f} s")
    assert statuses <= {503, 504}  # One moment; or GitHub did not answer in time
    assert max(webhooks.seconds) < MOST
    assert town.hears()


@pytest.mark.slow
def test_strangers_who_install_keep_nobody_waiting(bot, serve, town):
    """Each of them has RingCentral asked about a code that it has not given out."""
    town.chat.trouble.next(times=STRANGERS, path="/restapi/oauth/token", status=None, delay=3)
    with Webhooks(town, serve.address) as webhooks, ThreadPoolExecutor(STRANGERS) as pool:
        address = f"{serve.address}/bot/oauth?code=x"
        pages = list(pool.map(lambda _: requests.get(address, timeout=60), range(STRANGERS)))
    statuses = [page.status_code for page in pages]
    assert statuses.count(503) >= STRANGERS - 8 and set(statuses) <= {400, 503}
    assert max(webhooks.seconds) < MOST
    assert town.hears()
