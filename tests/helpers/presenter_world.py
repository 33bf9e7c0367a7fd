"""The presenter's view for tests: started, driven without a browser, and in one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import requests

from botkit.lessons.presenter.gate import GateState
from botkit.lessons.presenter.view import View
from botkit.settings import Settings

PATIENCE = 10.0  # seconds; nothing here takes as long
PROJECTOR = {"width": 1280, "height": 720}
AT_REST = "body:not([data-state=busy])"

#: Who sends to whom after each press of a key, and what stands on that arrow.
TRIP = (
    ("chat → bot", "“profile”"),
    ("bot → chat", "the auth link"),
    ("browser → GitHub", "opens the link"),
    ("browser → GitHub", "Approve"),
    ("GitHub → browser", "‹code·1›"),
    ("browser → bot", "‹code·1›"),
    ("bot → GitHub", "‹code·1› + ‹secret·1›"),
    ("GitHub → bot", "‹token·1›"),
    ("bot → GitHub", "‹token·1›: profile?"),
    ("GitHub → bot", "alice-practice"),
    ("chat → bot", "‹six digits›"),
    ("bot → chat", "“Connected”"),
    ("chat → bot", "“profile”"),
    ("bot → GitHub", "‹token·1›: profile?"),
    ("GitHub → bot", "alice-practice"),
    ("bot → chat", "the profile"),
)


class Presented:
    """A view, and Alice's hands without a browser."""

    def __init__(self, **settings: Any) -> None:
        self.view = View(Settings(practice=True, **settings))

    @property
    def kit(self) -> Any:
        return self.view.kit

    def get(self, path: str, **more: Any) -> requests.Response:
        headers = {"User-Agent": "Mozilla/5.0 (a test)", **more.pop("headers", {})}
        url = f"{self.view.server.url}/{path}"
        return requests.get(url, headers=headers, timeout=PATIENCE, allow_redirects=False, **more)

    def post(self, path: str, body: Any = None, **headers: str) -> requests.Response:
        url = f"{self.view.server.url}/{path}"
        agent = {"User-Agent": "Mozilla/5.0 (a test)"}
        return requests.post(url, json=body or {}, headers=agent | headers, timeout=PATIENCE)

    def news(self, **known: Any) -> dict[str, Any]:
        told = self.get("news", params=known)
        assert told.status_code == 200
        return dict(told.json())

    def say(self, text: str) -> None:
        """Alice writes, on the chat's page."""
        room = self.kit.world.ringcentral
        chat = room.find_chat("direct", room.person("Alice")).id
        path = f"at/{self.kit.world.ports['chat']}/people/Alice/chats/{chat}/posts"
        assert self.post(path, {"text": text}).status_code == 201

    def link(self) -> str:
        """Alice asks, and the bot's answer is let go: the auth link, below the view's address."""
        self.say("profile")
        self.next()
        self.kit.settle()
        self.kit.alice.reads()
        return str(self.kit.alice.link).removeprefix(f"{self.view.url}/")

    def until(self, seen: Callable[[GateState], bool]) -> GateState:
        self.view.gate.wait(PATIENCE, seen)
        scene = self.view.gate.state()
        assert seen(scene), scene
        return scene

    def held(self) -> dict[str, Any]:
        """What waits, once something does."""
        self.until(lambda scene: scene.held is not None)
        return dict(self.news()["held"])

    def next(self) -> dict[str, Any]:
        """Let the first that waits go; what it was."""
        held = self.held()
        assert self.press(held["name"]) is True
        return held

    def press(self, name: str, run: str = "") -> bool:
        """A press for the message of this name, of this run; says whether it went."""
        body = {"held": name, "run": run or self.news()["run"]}
        return bool(self.post("next", body).json()["done"])

    def close(self) -> None:
        self.view.close()


class Apart:
    """A call that may be held, in a thread of its own."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self.came: list[Any] = []
        self._thread = threading.Thread(target=lambda: self.came.append(call()), daemon=True)
        self._thread.start()

    def result(self) -> Any:
        self._thread.join(PATIENCE)
        return self.came[0]


def expect(locator: Any) -> Any:
    """Playwright's `expect`, imported only where there is a Playwright."""
    from playwright.sync_api import expect

    return expect(locator)


class Room:
    """The view on the wall, and the presenter's hands.  `troubles` is what the browser logged."""

    def __init__(self, chromium: Any, presented: Presented, **look: Any) -> None:
        self.presented = presented
        look = {"viewport": PROJECTOR, "reduced_motion": "reduce", **look}
        self.context = chromium.new_context(**look)
        self.page = self.context.new_page()
        self.troubles: list[str] = []
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.chat = self.page.frame_locator("#chat")
        self.browser = self.page.frame_locator("#page")

    def open(self, url: str = "") -> Room:
        self.page.goto(url or self.presented.view.url)
        self.page.locator(AT_REST).wait_for()
        return self

    def _note(self, message: Any) -> None:
        # That the bot answers a callback with 403 or 410 is the browser's news, and no trouble.
        if not message.location["url"].partition("?")[0].endswith("/github/oauth"):
            self.troubles.append(message.text)

    @property
    def arrows(self) -> Any:
        return self.page.locator("#arrows .step")

    def press(self, key: str = "Space") -> None:
        """Press a key and wait for its arrow, and until all is at rest again."""
        count = self.arrows.count()
        self.page.keyboard.press(key)
        expect(self.arrows).to_have_count(count + 1)
        self.page.locator(AT_REST).wait_for()
        assert self.arrows.count() == count + 1

    def newest(self) -> tuple[str, str]:
        ends = self.page.locator("#ends strong").inner_text()
        return ends, self.page.locator("#arrows .newest .title").text_content()

    def coming(self) -> str:
        return str(self.page.locator("#next-ends").inner_text())

    def state(self, name: str) -> None:
        self.page.locator(f"body[data-state={name}]").wait_for()
