"""Serve the presenter's view, with a kit under its address.

    GET  /        the page: the chat, the browser, the drawing
    GET  /news    what can be seen; it waits until that has changed (long polling)
    POST /next    release the message that waits
    POST /flow    hold nothing, or hold messages again
    POST /reset   start a new kit

Start with `View`.  The page's script acts as the person, in the frames, where everyone can see it.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
from dataclasses import replace
from typing import Any

from flask import Flask, Response, abort, render_template, request

from botkit.errors import BotkitError
from botkit.lessons.kit import Kit, start, stop
from botkit.lessons.presenter.captions import caption
from botkit.lessons.presenter.gate import Gate, GateState, is_answer, name_of
from botkit.lessons.presenter.host_guard import NOT_KNOWN, HostGuard
from botkit.lessons.presenter.mount import AT, Mount, WSGIApp
from botkit.practice import ACCOUNTS, POLL_SECONDS, Server, from_elsewhere
from botkit.run.address import BrowserAddress, find_browser_address
from botkit.run.server import port_wanted
from botkit.settings import Settings

MOMENT = 0.05  # seconds between two looks at what does not report changes: the bot, the chat
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
    """The server of the view, and its kit.

    `url` is where a browser finds the view.  `settings` are the kit's, but their port is the
    view's, because the kit is reached through it.  Raises what `Kit` raises.
    """

    def __init__(self, settings: Settings) -> None:
        self.kit: Kit
        self.gate = Gate()
        self._settings = settings
        self._name = secrets.token_hex(4)  # of this process
        self._run = 0
        self._changing = threading.RLock()  # held while there is no kit
        self._trouble = ""  # why the newest reset failed
        self._mount = Mount(self._make_web(), self._find)
        self._host_guard = HostGuard(self._mount, HEADERS)
        with self._changing:
            self.server = self._serve()
            self.url = find_browser_address(settings, os.environ).url(self.server.port)
            self._host_guard.know(self.url)
            try:
                self.reset()
            except BaseException:
                self.server.stop()
                raise

    def _serve(self) -> Server:
        with port_wanted(self._settings.port):
            return Server(self._host_guard, port=self._settings.port)

    def reset(self, home: str = "") -> None:
        """Start a new kit.

        `home` is the view's address as the browser knows it, if it is not `url`.  The links of the
        kit begin with it.  Raises what `Kit` raises.  The view then shows what is left until the
        next reset.
        """
        with self._changing:
            url = home or self.url
            self.gate.close()
            try:
                browser_address = BrowserAddress(f"{url}/{AT}/{{port}}", "proxy")
                self.kit = start(replace(self._settings, port=0), browser_address=browser_address)
                self.url, self._trouble = url, ""
            except BotkitError as error:
                self._trouble = f"{error} {error.advice}"
                raise
            finally:  # a request that waits at the old gate continues at the new one
                self._run += 1
                self.gate = Gate(self.gate.version + 1)
            self.kit.trace.gate = self.gate
            self._mount.newest_told = 0

    def close(self) -> None:
        """Stop everything.  Calling it again does no harm."""
        self.gate.close()
        stop()
        self.server.stop()

    # ---- what can be seen ------------------------------------------------------------------

    def news(self, run: str, since: int, ready: bool) -> dict[str, Any]:
        """Return what can be seen, when it differs from what the page knows.

        The page knows version `since` of this run, and whether the next step was `ready`.  The wait
        has an end: `POLL_SECONDS`.
        """
        until = time.monotonic() + POLL_SECONDS
        while True:
            with self._changing:
                gate, kit, now = self.gate, self.kit, self._run_name
                is_over, scene = (
                    gate.closed,
                    gate.state(),
                )  # inside the lock, because a reset also closes its gate
            if is_over:  # the view is closed; this connection is from before
                abort(503)
            is_ready = scene.resting and self._at_rest(kit)
            left = until - time.monotonic()
            if (run, since, ready) != (now, scene.version, is_ready) or left <= 0:
                return self._described(now, scene, is_ready)
            patience = MOMENT if scene.resting and not is_ready else left
            gate.wait(patience, lambda seen, known=since: seen.version != known)  # type: ignore[misc]

    def _at_rest(self, kit: Kit) -> bool:
        """Return whether the bot has finished and the chat's page knows everything."""
        chat = kit.world.ringcentral
        try:
            chat.webhooks.settle(0)
        except TimeoutError:
            return False
        return kit.worker.settle(seconds=0) and self._mount.newest_told == chat.wait_for_change(
            -1, 0
        )

    def _described(self, run: str, scene: GateState, ready: bool) -> dict[str, Any]:
        held = scene.held and {
            "name": name_of(scene.held),
            **caption(scene.held, answer=is_answer(scene.held)),
        }
        steps = [
            {
                "name": f"{step.number}{'a' if step.answer else 'q'}",
                "number": step.number,
                **caption(step.exchange, answer=step.answer),
            }
            for step in scene.steps
        ]
        return {
            "run": run,
            "version": scene.version,
            "ready": ready,
            "flowing": scene.flowing,
            "held": held,
            "trouble": self._trouble,
            "steps": steps,
            "home": f"{self.url}/",
            "chat": f"{AT}/{self.kit.world.ports['chat']}/",
            "places": {str(port): name for name, port in self._ports().items()},
        }

    def _ports(self) -> dict[str, int]:
        places = self.kit.settings.places
        named = {places[name].title: port for name, port in self.kit.world.ports.items()}
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
        def guard() -> Any:
            if request.method == "POST" and from_elsewhere(request):
                # Only our own page can read this, and only behind a proxy that hides its name.
                return {"message": NOT_KNOWN}, 403
            return None

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
            with self._changing:  # a press in an older run means a message of that run
                gate, now = self.gate, self._run_name
            return {"done": _sent("run") == now and gate.release(str(_sent("held")))}

        @web.post("/flow")
        def flow() -> dict[str, Any]:
            self.gate.flow(_sent("flowing") is True)
            return {}

        @web.post("/reset")
        def reset() -> Any:
            home = str(_sent("home") or "").rstrip("/")
            objection = self._host_guard.objection(home) if home else ""
            if objection:
                return {"message": objection}, 400
            try:
                self.reset(home)
            except BotkitError as error:
                return {"message": f"{error} {error.advice}"}, 500
            answer = web.make_response({})
            for name in ACCOUNTS:  # this browser signs out of the services
                answer.delete_cookie(name)
            return answer

        return web


def _sent(name: str) -> Any:
    """Return a member of the JSON object that the page has sent.

    Only a page of this origin can send JSON: for others a browser asks first (CORS).
    """
    content = request.get_json()
    return content.get(name) if isinstance(content, dict) else None
