"""Test the description of a service: `python -m botkit check-provider mybot:gitlab`.

Start with `in_practice`.  A practice service plays what is described, so the whole contract of
`botkit.providers.contract` can be tried at once, without an account.  `with_person` tries the real
service, with a person at the browser.

What practice cannot show is whether the description is like the service.  It shows whether the
fields fit together, and what the bot would do.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from getpass import getpass
from typing import Any

from botkit import plugins
from botkit.errors import SettingsError
from botkit.lessons.check.provider import PracticeOwner
from botkit.oauth import Provider, callback_path
from botkit.practice import Browser, Clock, World
from botkit.providers import describe_service
from botkit.providers.contract import ContractReport, Line, examine
from botkit.settings import Place, read_variables
from botkit.trace import Labels

HERE = "http://127.0.0.1:8090"  # where `serve` has its callbacks, if nothing else is set
PASTE = "Then paste the address at which the browser ended (it stays hidden): "


def in_practice(description: str) -> ContractReport:
    """Test a description with a practice service that plays it.

    `description` is `module:function`, `module:Class` of a skill, or an issuer's address.  Raises
    `SettingsError` if there is no such description, and what the description raises.
    """
    describe = find_description(description)
    with closing(World(Clock())) as world:
        client_id, secret, server = world.start_any("described")
        service = world.service("described")
        try:
            provider: Provider = service.play(describe_service(describe, client_id, secret, server))
        except ValueError as error:
            raise SettingsError(str(error), advice="Try it live: add --live.") from None
        redirect_uri = HERE + callback_path(provider)
        world.register_callbacks({client_id: [redirect_uri]})
        owner = PracticeOwner(Browser(), redirect_uri)
        report = examine(provider, owner, redirect_uri, now=world.clock)
        return _redacted(report, secret, {service.address: provider.called}, played=True)


def with_person(
    description: str,
    redirect_uri: str = "",
    *,
    ask: Callable[[str], str] = input,
    ask_secretly: Callable[[str], str] = getpass,
    say: Callable[[str], object] = print,
) -> ContractReport:
    """Test a description with the real service; a person opens the links and decides.

    `redirect_uri` must be registered at the service, and no program has to answer there.  Client id
    and secret are taken from the settings, such as GITLAB_CLIENT_ID, or else asked for.  Raises
    what `in_practice` raises.
    """
    describe = find_description(description)
    slug = describe_service(describe, "", "").slug
    client_id, secret = _credentials(slug, ask, ask_secretly)
    provider = describe_service(describe, client_id, secret)
    redirect_uri = redirect_uri or HERE + callback_path(provider)
    say(f"This callback URL must be registered at {provider.called}: {redirect_uri}")
    report = examine(provider, PersonAtBrowser(say, ask_secretly), redirect_uri)
    return _redacted(report, secret, {}, played=False)


class PersonAtBrowser:
    """A person who opens a link and pastes the address at which the browser ended.

    It is a `botkit.providers.contract.ResourceOwner`.
    """

    def __init__(self, say: Callable[[str], object], ask_secretly: Callable[[str], str]) -> None:
        self._say = say
        self._ask_secretly = ask_secretly

    def decide(self, link: str, *, approve: bool) -> str:
        self._say(f"\nOpen this link, and press {'Approve' if approve else 'Deny'}:\n{link}")
        pasted = _read(self._ask_secretly, PASTE)
        query = pasted.partition("?")[2].partition("#")[0]
        if not query:
            what = "The address that was pasted has no query." if pasted else "Nothing was pasted."
            raise LookupError(what)
        return query


# ---- the description ---------------------------------------------------------------------------


def find_description(description: str) -> Callable[..., Any]:
    """Return the function that makes a `Provider`.  Raises `SettingsError`."""
    if "://" in description:
        return _of_issuer(description)
    found = plugins.load(description, f"You named {description}")
    found = getattr(found, "connects_to", found)  # a skill
    if not callable(found):
        raise SettingsError(
            f"You named {description}, but that is no function.",
            advice="Name a function that returns a Provider, such as mybot:gitlab.",
        )
    return found  # type: ignore[no-any-return]


def _of_issuer(issuer: str) -> Callable[..., Provider]:
    def describe(client_id: str, client_secret: str) -> Provider:
        return Provider.discover(
            issuer,
            name="The service",
            slug="service",
            client_id=client_id,
            client_secret=client_secret,
            api_url=issuer.rstrip("/"),
            scopes=("openid",),
        )

    return describe


def _credentials(
    slug: str, ask: Callable[[str], str], ask_secretly: Callable[[str], str]
) -> tuple[str, str]:
    prefix = slug.upper().replace("-", "_")
    place = Place(slug, prefix, f"{prefix}_SERVER", "", "")
    values = read_variables(os.environ, places={slug: place})
    id_name, secret_name = place.credentials
    client_id = values.get(id_name) or _read(ask, "Client id: ")
    return client_id, values.get(secret_name) or _read(ask_secretly, "Client secret: ")


def _read(ask: Callable[[str], str], question: str) -> str:
    """Return what a person types; "" if nobody is there."""
    try:
        return ask(question).strip()
    except EOFError:
        return ""


def _redacted(
    report: ContractReport, secret: str, origins: dict[str, str], *, played: bool
) -> ContractReport:
    """Return a report without secrets, and without the addresses of practice servers."""
    labels = Labels()
    labels.label("secret", secret)
    for origin, name in origins.items():
        labels.name_origin(origin, name)
    lines = (
        Line(one.name, one.mark, labels.redact(one.text, own_words=True)) for one in report.lines
    )
    return ContractReport(tuple(lines), played)
