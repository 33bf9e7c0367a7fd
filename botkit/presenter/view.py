"""The view: a server of its own, and a kit that lives below its address.

    GET  /        the page: the chat, the browser, the drawing
    GET  /news    what can be seen; waits until that has changed (long polling)
    POST /next    let the message go that waits
    POST /flow    hold nothing, or hold again
    POST /reset   a new kit, as at the beginning

The script of the page does what the person does, in the frames, where everybody can see it.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, abort, render_template, request

from botkit import running
from botkit.address import Reach, find_reach
from botkit.errors import BotkitError, PortTaken
from botkit.kit import Kit
from botkit.parties import PARTIES
from botkit.practice.chat_page import from_elsewhere
from botkit.practice.server import Server
from botkit.presenter.gate import Gate, Scene, is_answer, name_of
from botkit.presenter.mount import AT, Mount, WSGIApp
from botkit.presenter.story import tell
from botkit.settings import Settings

POLL_SECONDS = 20.0  # below what proxies allow for an answer
MOMENT = 0.05  # seconds between two looks at what does not report: the bot's work, the chat
ACCOUNTS = ("github_account", "google_account", "ringcentral_account", "teapot_account")
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "frame-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'self'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


class View:
    """Starts the kit, too.  `url` is where a browser finds the view.

    `settings` are the kit's, but their port is the view's: it is the only one that counts, for the
    kit is reached through it.  Raises what `Kit` raises.
    """

    def __init__(self, settings: Settings) -> None:
        self.kit: Kit
        self.gate = Gate()
        self._settings = settings
        self._name = secrets.token_hex(4)  # of this process
        self._run = 0
        self._changing = threading.RLock()  # who comes while there is no kit waits here
        self._mount = Mount(self._make_web(), self._find)
        with self._changing:
            self.server = self._serve()
            self.url = find_reach(settings, os.environ).url(self.server.port)
            try:
                self.reset()
            except BaseException:
                self.server.stop()
                raise

    def _serve(self) -> Server:
        port = self._settings.port
        try:
            return Server(self._mount, port=port)
        except OverflowError as error:
            raise PortTaken(f"There is no port {port}.") from error
        except OSError as error:
            raise PortTaken(f"Port {port} is taken by another program.") from error

    def reset(self, home: str = "") -> None:
        """A new kit.  `home` is the address of the view as the browser knows it, if it is another
        one than `url`; the links that the kit gives out begin with it.
        """
        with self._changing:
            self.url = home or self.url
            self.gate.close()
            try:
                reach = Reach(f"{self.url}/{AT}/{{port}}", "proxy")
                self.kit = running.start(replace(self._settings, port=0), reach=reach)
            finally:  # whoever waits at the old gate looks at the new one
                self._run += 1
                self.gate = Gate(self.gate.version + 1)
            self.kit.trace.gate = self.gate
            self._mount.told = 0

    def close(self) -> None:
        """Stop everything.  Calling it twice does no harm."""
        self.gate.close()
        running.stop()
        self.server.stop()

    # ---- what can be seen ------------------------------------------------------------------

    def news(self, run: str, since: int, ready: bool) -> dict[str, Any]:
        """What can be seen, once it differs from what the page knows."""
        until = time.monotonic() + POLL_SECONDS
        while True:
            with self._changing:
                gate, kit, now = self.gate, self.kit, self._run_name
            if gate.closed:  # the view is, and only a connection from before is left
                abort(503)
            scene = gate.look()
            is_ready = scene.resting and self._at_rest(kit)
            left = until - time.monotonic()
            if (run, since, ready) != (now, scene.version, is_ready) or left <= 0:
                return self._described(now, scene, is_ready)
            patience = MOMENT if scene.resting and not is_ready else left
            gate.wait(patience, lambda seen, known=since: seen.version != known)  # type: ignore[misc]

    def _at_rest(self, kit: Kit) -> bool:
        """Whether the bot has done its work, and the chat's page has been told everything."""
        chat = kit.world.ringcentral
        try:
            chat.webhooks.settle(0)
        except TimeoutError:
            return False
        return kit.work.settle(seconds=0) and self._mount.told == chat.wait_for_change(-1, 0)

    def _described(self, run: str, scene: Scene, ready: bool) -> dict[str, Any]:
        held = scene.held and {
            "name": name_of(scene.held),
            **tell(scene.held, answer=is_answer(scene.held)),
        }
        steps = [
            {
                "name": f"{step.number}{'a' if step.answer else 'q'}",
                "number": step.number,
                **tell(step.exchange, answer=step.answer),
            }
            for step in scene.steps
        ]
        return {
            "run": run,
            "version": scene.version,
            "ready": ready,
            "flowing": scene.flowing,
            "held": held,
            "steps": steps,
            "home": f"{self.url}/",
            "chat": f"{AT}/{self.kit.world.ports['chat']}/",
            "places": {str(port): name for name, port in self._ports().items()},
        }

    def _ports(self) -> dict[str, int]:
        named = {PARTIES[name]: port for name, port in self.kit.world.ports.items()}
        return named | {"the bot": self.kit.server.port}

    @property
    def _run_name(self) -> str:
        return f"{self._name}-{self._run}"

    def _find(self, port: int) -> tuple[WSGIApp | None, bool]:
        with self._changing:
            kit = self.kit
        for server in (kit.server, *kit.world.servers):
            if server.port == port and isinstance(server, Server):
                return server.app, port == kit.world.ports["chat"]
        return None, False

    # ---- its pages -------------------------------------------------------------------------

    def _make_web(self) -> Flask:
        web = Flask(__name__)

        @web.before_request
        def guard() -> None:
            if request.method == "POST" and from_elsewhere(request):
                abort(403)

        @web.after_request
        def harden(answer: Response) -> Response:
            answer.headers.update(HEADERS)
            return answer

        @web.get("/")
        def index() -> str:
            return render_template("view.html")

        @web.get("/news")
        def news() -> dict[str, Any]:
            asked = request.args
            since = asked.get("since", -1, type=int)
            return self.news(asked.get("run", ""), since, asked.get("ready") == "true")

        @web.post("/next")
        def next_step() -> dict[str, Any]:
            return {"done": self.gate.release(str(_told("held")))}

        @web.post("/flow")
        def flow() -> dict[str, Any]:
            self.gate.flow(_told("flowing") is True)
            return {}

        @web.post("/reset")
        def reset() -> Any:
            home = str(_told("home") or "").rstrip("/")
            if home and urlsplit(home).scheme not in ("http", "https"):
                abort(400)
            try:
                self.reset(home)
            except BotkitError as error:
                return {"message": f"{error} {error.advice}"}, 500
            answer = web.make_response({})
            for name in ACCOUNTS:  # whom this browser was at the services is forgotten too
                answer.delete_cookie(name)
            return answer

        return web

    def __repr__(self) -> str:
        return "<View>"


def _told(name: str) -> Any:
    """A member of the JSON object that the page has sent; no other page can send one unasked."""
    content = request.get_json()
    return content.get(name) if isinstance(content, dict) else None
