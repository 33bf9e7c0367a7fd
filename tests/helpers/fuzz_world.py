"""The real bot with a made-up outside, for tests that try thousands of inputs.

The bot is whole: database, web app, all four skills, confirmation, log.  Only the network is not
there: what the chat and the providers answer is made in this process, and so is the waiting.

How many inputs are tried: `ci`, the same ones each time, or `nightly`.  See sizes.py.
"""

from __future__ import annotations

import io
import json
import logging
import sqlite3
from html.parser import HTMLParser
from itertools import count
from urllib.parse import parse_qs, urlsplit

import requests
from fuzz_inputs import (
    ADDRESS,
    ALICE,
    BOT,
    BOT_TOKEN,
    CHAT,
    CODE,
    DIRECT,
    HEALTHY,
    KEY,
    PLACES,
    REFRESH,
    TOKEN,
    VERIFY,
)
from hypothesis import HealthCheck, settings
from sizes import NIGHTLY
from urllib3 import HTTPResponse

import botkit.bot.bot
from botkit import oauth
from botkit.bot.worker import Delivery, Outcome, Worker
from botkit.chat import Chat
from botkit.oauth import ApiSession
from botkit.oauth.refresh import fresh_service
from botkit.settings import Registration, Settings

ALL = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}
settings.register_profile("ci", max_examples=32, derandomize=True, **ALL)
settings.register_profile("nightly", max_examples=1200, print_blob=True, **ALL)
settings.load_profile("nightly" if NIGHTLY else "ci")


class AtOnce(Worker):
    """Does every message in the thread that brings it.  The clock moves on to what waits."""

    def __init__(self, storage, is_genuine, clock) -> None:
        super().__init__(storage, is_genuine)
        self._clock = clock

    def start(self) -> None:
        if not self._pools:
            self._make_pools()

    def accept(self, delivery: Delivery) -> Outcome:
        (outcome,) = self._written([delivery])
        self.work_off()
        return outcome

    def work_off(self) -> None:
        """Do what is due, and the messages and replies that are due in a few minutes."""
        for _ in range(100):
            for pool in self._pools.values():
                if job := self._messages.claim(pool.name):
                    self._note(pool, job)
                    self._run(pool, job)
                    break
            else:
                due = self._messages.next_due(600)
                soon = [seconds for name, seconds in due.items() if name != "do"]
                if not soon:
                    return
                self._clock.advance(seconds=max(*soon, 0.001))
        raise AssertionError("It never ends.")


class World(logging.Handler):
    """A bot at rest; `fresh` puts it back there.  `answers` are the providers' next answers, by
    what is asked: "token", "account", "revoke" or "api"; each is (status, headers, body).
    """

    def __init__(self, folder, clock, monkeypatch) -> None:
        super().__init__()
        secrets = [(f"{one}-id", f"planted-{one}-secret") for one in (*PLACES, "chatbot")]
        there = {one[:-3]: (one, secret) for one, secret in secrets}
        registrations = {p: Registration(*there[p], f"https://{p[:6]}.example") for p in PLACES}
        self.secrets = [TOKEN, REFRESH, BOT_TOKEN, VERIFY, KEY, *(secret for _, secret in secrets)]
        file, self.clock = folder / "fuzz.sqlite", clock
        for waiting in (ApiSession.__init__, Chat.__init__, fresh_service):
            monkeypatch.setitem(waiting.__kwdefaults__, "sleep", self._sleep)
        monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", self._send)
        monkeypatch.setattr(botkit.bot.bot, "Worker", lambda *parts: AtOnce(*parts, clock))
        skills = ("github", "drive", "sheets", "ringcentral")
        more = {"database": f"sqlite:///{file}", "secret_keys": (KEY,), "skills": skills}
        registrations["chat"] = Registration(*there["chatbot"], CHAT)
        more |= {"registrations": registrations, "public_address": ADDRESS}
        self.bot = botkit.bot.bot.Bot(Settings(**more), now=clock)
        self.storage = self.bot.storage
        self.bot.worker.start()
        self.client = self.bot.app.test_client(use_cookies=False)
        self._database = sqlite3.connect(file, isolation_level=None)
        self.numbers, self.log, self.errors = count(1), [], []
        logging.getLogger().addHandler(self)
        logging.getLogger("botkit").setLevel(logging.DEBUG)

    def fresh(self) -> None:
        """One bot, one team, nobody connected, and an outside where all is well."""
        for table in ("bots", "services", "authorizations", "lanes", "jobs", "seen", "holds"):
            self._database.execute(f"DELETE FROM {table}")
        token, data = {"access_token": BOT_TOKEN}, {"verificationToken": VERIFY}
        self.storage.save_bot(BOT, token=token, data=data)
        self.bot.chat._groups.clear()
        self.answers = {"token": [], "account": [], "revoke": [], "api": []}
        self.posts, self.states, self.chat_answers = [], [], []
        for of_one_case in (self.log, self.errors):
            of_one_case.clear()

    # ---- what is there

    def tables(self) -> dict[str, list]:
        """All rows of all tables, as the file has them."""
        names = ("bots", "services", "authorizations")
        return {name: self._database.execute(f"SELECT * FROM {name}").fetchall() for name in names}

    def execute(self, statement: str, *values) -> list:
        """Write as a program did before there was a key; nothing is known to be sealed any more."""
        self._database.execute("DELETE FROM seals")
        self.storage._all_bound = False
        return self._database.execute(statement, values).fetchall()

    def state_for(self, name: str) -> str:
        """A link that waits, made for Alice."""
        provider, owner = self.bot.provider(name), {"bot_id": BOT, "group_id": DIRECT}
        owner |= {"user_id": ALICE, "redirect_uri": self.bot.callback_url(provider)}
        link = oauth.auth_link(self.storage, provider, **owner)
        self.states.append(parse_qs(urlsplit(link).query)["state"][0])
        return self.states[-1]

    def connect(self, name: str, **data):
        user = "" if name == "GoogleDrive" else ALICE
        kept = {"accessToken": TOKEN, "account": {"id": "7", "name": "Alice"}} | data
        where = {"bot_id": BOT, "group_id": DIRECT, "user_id": user}
        return self.storage.save_service(name, **where, data=kept)

    def say(self, text: str, *, group: str = DIRECT):
        """Alice writes a message, and RingCentral delivers it."""
        number = str(next(self.numbers))
        body = {"eventType": "PostAdded", "id": number, "groupId": group, "creatorId": ALICE}
        envelope = {"uuid": f"u{number}", "ownerId": BOT, "body": body | {"text": text}}
        return self.client.post(
            "/bot/webhook",
            data=json.dumps(envelope, ensure_ascii=False).encode(),
            headers={"Verification-Token": VERIFY},
        )

    # ---- what has to be true, whatever came

    def check(self, response=None) -> None:
        """No error of our own, nothing secret and nothing of a stranger's on a page or in a log."""
        self.bot.worker.work_off()  # what a page has left to be done
        assert not self.errors, self.errors
        shown = "\n".join([*self.log, *(text for _, text in self.posts)])
        if response is not None:
            page = response.get_data(as_text=True)
            assert response.status_code != 500 and "Traceback" not in page
            shown += page + str(response.headers)
            if response.mimetype == "text/html":
                check_page(page)
        assert not [secret for secret in (*self.secrets, *self.states) if secret in shown]

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith("botkit"):
            self.log.append(self.format(record))
        if record.levelno >= logging.ERROR:
            self.errors.append(self.format(record))

    # ---- the outside

    def _sleep(self, seconds: float) -> None:
        self.clock.advance(seconds=max(seconds, 0.05))

    def _send(self, request, **_):
        """In the place of `HTTPAdapter.send`."""
        url = urlsplit(request.url)
        if f"{url.scheme}://{url.netloc}" == CHAT:
            status, headers, body = self._chat(request, url.path)
        else:
            known = url.netloc in [f"{one[:6]}.example" for one in PLACES]
            sent = f"{request.headers} {request.body!r} {request.url}"
            assert known or not [one for one in self.secrets if one in sent], "a stranger has it"
            what = self._what(request.method, url.path)
            planned = self.answers[what]
            now = planned.pop(0) if planned else None
            status, headers, body = now or self._well(what, request)
        raw = HTTPResponse(io.BytesIO(body), headers, status, preload_content=False)
        return requests.adapters.HTTPAdapter().build_response(request, raw)

    def _what(self, method: str, path: str) -> str:
        for provider in self.bot.providers:
            revocation = provider.revocation
            if path == urlsplit(provider.token_url).path:
                return "token"
            if revocation and path == urlsplit(revocation.url).path:
                return "revoke"
            if method == "GET" and path == urlsplit(provider.account_url or "").path:
                return "account"
        return "api"

    def _well(self, what: str, request) -> tuple[int, dict, bytes]:
        form = parse_qs(request.body) if isinstance(request.body, str) else {}
        if what == "token":
            good = form.get("code") == [CODE] or "refresh_token" in form
            answer = {"access_token": TOKEN, "token_type": "bearer", "refresh_token": REFRESH}
            return as_json(200, answer) if good else as_json(400, {"error": "invalid_grant"})
        channel = json.loads(request.body)["id"] if "/changes/watch?" in request.url else 7
        return as_json(200, HEALTHY | {"id": channel})

    def _chat(self, request, path: str) -> tuple[int, dict, bytes]:
        if self.chat_answers and (now := self.chat_answers.pop(0)):
            return now
        if path.endswith("/posts"):
            text = json.loads(request.body)["text"]
            self.posts.append((path.split("/")[-2], text))
            return as_json(201, {"id": str(next(self.numbers))})
        if path.endswith("/conversations"):
            return as_json(200, {"id": DIRECT, "members": [BOT, ALICE], "type": "Direct"})
        if "/chats/" in path:
            members = [BOT, ALICE] if path.endswith(DIRECT) else [BOT, ALICE, "5"]
            kind = "Direct" if path.endswith(DIRECT) else "Team"
            return as_json(200, {"name": "Here", "members": members, "type": kind})
        return as_json(401, {"errorCode": "OAU-213"})  # no token but the bot's is one

    def close(self) -> None:
        logging.getLogger().removeHandler(self)
        logging.getLogger("botkit").setLevel(logging.NOTSET)
        self._database.close()
        self.bot.close()


def as_json(status: int, value) -> tuple[int, dict, bytes]:
    return status, {"Content-Type": "application/json"}, json.dumps(value).encode()


class _Page(HTMLParser):
    TAGS = ("html", "head", "meta", "title", "link", "body", "main", "div", "h1", "p", "dl")
    NAMES = {"lang", "charset", "name", "content", "rel", "href", "class", "aria-hidden"}

    def handle_starttag(self, tag, attributes) -> None:
        assert tag in (*self.TAGS, "dt", "dd"), tag
        assert {name for name, _ in attributes} <= self.NAMES, attributes
        for name, value in attributes:
            assert name != "href" or value.endswith("static/page.css")


def check_page(page: str) -> None:
    """Nothing on it but the elements of our own template."""
    _Page().feed(page)
