"""Visit pages and click on them in place of a person, so that a lesson runs by itself.

    page = Browser().visit(link)      # the consent page
    page.choose(account="octocat")    # pick a radio button or an option, tick a box, fill a field
    page.approve()                    # press the button, follow the redirects: the next page

It sends the real form of the real page.  Like every browser it has its own cookie jar, follows
redirects one by one, and says where a request comes from (`Sec-Fetch-Site`, `Origin`).  It runs no
JavaScript; the pages through which a trip leads need none.

It does not raise because of what a server does: an address that cannot be reached gives a page that
says so, with status 0.  It does raise when asked to press what is not on the page.

Addresses carry secrets (`code`, `state`), so none is shown when a page, link or hop is displayed.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import wrap
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urljoin, urlsplit

import requests

from botkit.practice.fetch_site import site_of

if TYPE_CHECKING:
    from botkit.practice.browser.html_reader import Button, Form

TIMEOUT = 20.0  # seconds
MOST_REQUESTS = 21  # one and 20 redirects, as many as https://fetch.spec.whatwg.org allows
SHOWN_LINES = 12
ADDRESS = re.compile(r"https?://\S+|(?:localhost|127\.0\.0\.1|\[::1\]):\d+\S*")
CODE = re.compile(r"\b\d{3} \d{3}\b")  # shown once, to one person
UNREACHABLE = (
    "<h1>This address cannot be reached</h1>"
    "<p>Nothing answers there. The server may be stopped, or its address may have changed.</p>"
)
STOPPED = (
    "<h1>The browser stops here</h1>"
    "<p>It was told to open no page at this address. What it would have opened is in page.url.</p>"
)
IN_CIRCLES = "<h1>This page does not open</h1><p>It redirects again and again.</p>"


class NotOnThisPage(LookupError):
    """Raised when a link, field or choice is not on the page; the message lists what is."""

    def __init__(self, page: Page, what: str, there_is: Sequence[str]) -> None:
        listed = ", ".join(repr(each) for each in there_is)
        there = f"There is: {listed}." if listed else "There is none at all."
        super().__init__(f"There is no {what} on the page {page.heading or page.title!r}. {there}")


class NoSuchButton(NotOnThisPage):
    """Raised when a button is not on the page."""


@dataclass(frozen=True)
class Hop:
    """One request of the browser, and the status of its answer (0: none came)."""

    method: str
    status: int
    url: str = field(repr=False)


class Browser:
    """A browser with a cookie jar of its own: two browsers are two people.

    `cookies` are sent to 127.0.0.1, where all of the practice world is.  `hops` is whatever was
    requested, in order, and `session` the `requests.Session` that did it.  An address that begins
    with `stop_before` is not opened: the browser stops, and `page.url` is where it would have gone.
    `find` tells where the server of an address really listens, if a proxy is in front of it.
    """

    def __init__(
        self,
        cookies: Mapping[str, str] | None = None,
        user_agent: str = "Mozilla/5.0 (practice browser)",
        find: Callable[[str], str] = str,
    ) -> None:
        self._find = find
        self.hops: list[Hop] = []
        self.stop_before = ""
        self.session = requests.Session()
        self.session.trust_env = False  # no proxy and no .netrc between us and the practice world
        for name, value in (cookies or {}).items():
            self.session.cookies.set(name, value, domain="127.0.0.1")
        self.session.headers["User-Agent"] = user_agent
        self.session.headers["Accept"] = "text/html,application/xhtml+xml,*/*;q=0.8"
        self.session.headers["Accept-Language"] = "en"

    def visit(self, url: str) -> Page:
        """Open `url`, as if typed into the address bar, and return the page to which it leads."""
        return self._go("GET", url)

    def _go(self, method: str, url: str, body: str | None = None, source: str = "") -> Page:
        hops: list[Hop] = []
        way = [source]  # where we come from, and every address after it
        while len(hops) < MOST_REQUESTS:
            way.append(url)
            if self.stop_before and url.startswith(self.stop_before):
                return Page(self, url, hops[-1].status if hops else 0, STOPPED, hops)
            response = self._request(method, url, body, way)
            hops.append(Hop(method, response.status_code if response is not None else 0, url))
            self.hops.append(hops[-1])
            if response is None:
                return Page(self, url, 0, UNREACHABLE, hops)
            target = self.session.get_redirect_target(response)
            if target is None:
                return Page(self, url, response.status_code, _source(response), hops)
            # RFC 9110, section 15.4: 307 and 308 repeat the request, the others turn it to a GET.
            if response.status_code not in (307, 308):
                method, body = "GET", None
            url = urljoin(url, target)
        return Page(self, url, 0, IN_CIRCLES, hops)

    def _request(
        self, method: str, url: str, body: str | None, way: Sequence[str]
    ) -> requests.Response | None:
        headers = {
            "Sec-Fetch-Dest": "document",
            "Sec-Fetch-Mode": "navigate",
            "Sec-Fetch-Site": site_of(way),
            "Sec-Fetch-User": "?1",
        }
        if method == "POST":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            headers["Origin"] = "{0.scheme}://{0.netloc}".format(urlsplit(way[0]))
        try:
            return self.session.request(
                method,
                self._find(url),
                data=body,
                headers=headers,
                allow_redirects=False,
                timeout=TIMEOUT,
            )
        except requests.RequestException:
            return None

    def __repr__(self) -> str:
        return f"<Browser, {len(self.hops)} requests so far>"


class Page:
    """What a person sees after a click, and what can be pressed there.

    `url` is its address, and `hops` are the requests that led there.
    """

    def __init__(
        self, browser: Browser, url: str, status: int, source: str, hops: Sequence[Hop]
    ) -> None:
        # Imported here: a process that reads no page starts a tenth faster without Beautiful Soup.
        from botkit.practice.browser.html_reader import Reader

        reader = Reader(source, url)
        self.url = url
        self.status = status
        self.hops = tuple(hops)
        self.title, self.heading = reader.title, reader.heading
        self.links, self.forms = reader.links, reader.forms
        self._browser = browser
        self._reader = reader

    @property
    def text(self) -> str:
        """The page in lines; (•) and [x] are what is chosen."""
        return "\n".join(self._reader.read_lines())

    @property
    def buttons(self) -> list[str]:
        """The text of every button that sends a form."""
        return [button.text for form in self.forms for button in form.buttons]

    def choose(self, **values: str | Sequence[str]) -> Page:
        """Fill in fields by name and return this same page.  Raises `NotOnThisPage`.

        For radio buttons, options and boxes give the value to pick, or a list of several.
        """
        visible = [c for form in self.forms for c in form.controls if c.kind != "hidden"]
        for name, value in values.items():
            wanted = [value] if isinstance(value, str) else list(value)
            controls = [control for control in visible if control.name == name]
            choices = [control.value for control in controls if control.kind == "choice"]
            if not controls:
                raise NotOnThisPage(self, f"field {name!r}", sorted({c.name for c in visible}))
            if choices and not set(wanted) <= set(choices):
                raise NotOnThisPage(self, f"choice {value!r} for {name!r}", choices)
            for control in controls:
                if control.kind == "choice":
                    control.on = control.value in wanted
                else:
                    control.value = wanted[0]
        return self

    def submit(self, button: str) -> Page:
        """Press the button with this text, in capitals or not.  Raises `NoSuchButton`."""
        for form in self.forms:
            for each in form.buttons:
                if each.text.casefold() == button.casefold():
                    return self._send(form, each)
        raise NoSuchButton(self, f"button {button!r}", self.buttons)

    def approve(self) -> Page:
        """Press Approve.

        A provider that was approved before may ask nothing and redirect immediately.  Then there is
        nothing to press, and this page is returned: a cell that runs again goes on as before.
        """
        redirected = len(self.hops) > 1 or (self.hops and self.hops[-1].url != self.url)
        asked_nothing = self.status and redirected and not self.forms
        return self if asked_nothing else self.submit("Approve")

    def deny(self) -> Page:
        """Press Deny."""
        return self.submit("Deny")

    def click(self, text: str) -> Page:
        """Follow the link with this text, in capitals or not.  Raises `NotOnThisPage`."""
        for link in self.links:
            if link.text.casefold() == text.casefold():
                return self._browser._go("GET", link.url, source=self.url)
        raise NotOnThisPage(self, f"link {text!r}", [link.text for link in self.links])

    def _send(self, form: Form, button: Button) -> Page:
        fields = [(control.name, control.value) for control in form.controls if control.on]
        body = urlencode(fields + ([(button.name, button.value)] if button.name else []))
        if form.method == "POST":
            return self._browser._go("POST", form.url, body, source=self.url)
        url = urlsplit(form.url)._replace(query=body).geturl()
        return self._browser._go("GET", url, source=self.url)

    def __repr__(self) -> str:
        lines = self._reader.read_lines()[self._reader.heading_ends :]
        lines = [ADDRESS.sub("‹address›", line) for line in lines]
        lines = [CODE.sub("‹six digits›", line) for line in lines]
        lines[SHOWN_LINES:] = ["…"] if len(lines) > SHOWN_LINES else []
        lines += [f"Buttons: {', '.join(self.buttons)}"] if self.buttons else []
        shown = [f"[{self.status or 'no answer'}] {self.heading or self.title}".rstrip()]
        for line in lines:
            shown += wrap(line, 90, initial_indent="    ", subsequent_indent="    ")
        return "\n".join(shown)


def _source(response: requests.Response) -> str:
    kind = response.headers.get("Content-Type", "")
    if "charset" not in kind:
        response.encoding = "utf-8"
    return response.text if "html" in kind else html.escape(response.text).replace("\n", "<br>")
