"""Check the exercise of lesson 10: the description of a provider.

Start with `provider`.  It runs the contract of `botkit.providers.contract` against the practice
service, with Alice as the person who decides.

Not here: what only Teapot's documentation says (`teapot.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botkit.lessons.check.teapot import unlike_teapot
from botkit.lessons.check.verdict import NotYet, Verdict, verdict, want

if TYPE_CHECKING:
    from botkit.bot import Bot
    from botkit.oauth import Provider
    from botkit.providers.contract import ContractReport


class PracticeOwner:
    """A person with a practice browser that stops before it opens the bot.

    It is a `botkit.providers.contract.ResourceOwner`.
    """

    def __init__(self, browser: Any, redirect_uri: str) -> None:
        self._browser = browser
        self._redirect_uri = redirect_uri

    def decide(self, link: str, *, approve: bool) -> str:
        """Open `link`, approve or deny, and return the query string of the callback.

        Raises `LookupError` if the browser is not sent back.
        """
        self._browser.stop_before = self._redirect_uri
        try:
            page = self._browser.visit(link)
            if not page.url.startswith(self._redirect_uri):  # else it was sent back unasked
                page = page.approve() if approve else page.deny()
        finally:
            self._browser.stop_before = ""
        if not page.url.startswith(self._redirect_uri):
            raise LookupError(f"The browser ended on the page {page.heading!r}.")
        return urlsplit(str(page.url)).query


def provider(
    described: Provider | Callable[..., Any], kit: Any = None, *registration: Any
) -> Verdict:
    """Run the contract with a description, against the practice service.

    `described` is a `Provider`, or a function that makes one of `registration`: client id, client
    secret and address, as `kit.world.start_service` returns them (three values, or one tuple).
    Alice decides.  Her connections with this app may be revoked at the end.
    """
    if len(registration) == 1 and isinstance(registration[0], tuple | list):
        registration = tuple(registration[0])
    from botkit.oauth import Provider

    if isinstance(described, Provider):
        return _provider(lambda: described, kit)
    if not callable(described):
        call = "check.provider(your_function, kit, *registration)"
        return Verdict(False, f"give the check a function that makes a Provider: {call}.")
    return _provider(described, kit, *registration)


@verdict
def _provider(describe: Callable[..., Any], kit: Any, *registration: str) -> str:
    from botkit.oauth import Provider

    described = describe(*registration)
    want(
        isinstance(described, Provider),
        f"your function returns a {type(described).__name__}; wanted: a Provider.",
    )
    want(
        hasattr(kit, "alice"),
        "the check needs a kit in which Alice can decide: give it `kit`, too.",
    )
    bot: Bot = kit.bot
    if described not in bot.providers:
        want(not (sentence := bot.name_conflict(described)), sentence)
    for url in (described.authorize_url, described.token_url, described.api_url):
        if isinstance(url, str) and kit.labels.party(url) == "loopback":
            kit.labels.name_origin(url, described.name)
    for secret in (described.client_secret, *registration[1:2]):  # it may be in a wrong field
        kit.labels.label("secret", secret if isinstance(secret, str) else "")
    kit.register_callback(described)
    redirect_uri = bot.callback_url(described)
    owner = PracticeOwner(kit.alice.browser, redirect_uri)
    report = _report(described, owner, redirect_uri, kit)
    shown = kit.labels.redact(str(report), own_words=True)
    if not report.kept:
        broken = ", ".join(report.broken)
        raise NotYet(f"{described.name} as it is described breaks the contract: {broken}.\n{shown}")
    if unlike := unlike_teapot(described, kit):
        raise NotYet(
            "all that a trip can show is right. But no trip shows everything, and Teapot's "
            "documentation says something else about:\n"
            + "\n".join([*(f"* {one}" for one in unlike), shown])
        )
    gaps = f" Read why there is a – at: {', '.join(report.not_tried)}." if report.not_tried else ""
    return f"{described.name} keeps the contract.{gaps}\n{shown}"


def _report(
    described: Provider, owner: PracticeOwner, redirect_uri: str, kit: Any
) -> ContractReport:
    from botkit.providers.contract import (
        examine,  # here, because the check of lesson 00 works without packages
    )

    return examine(described, owner, redirect_uri, now=kit.clock)
