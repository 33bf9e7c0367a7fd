"""Each provider in the practice world, its right description, and what the contract says of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

from botkit import providers
from botkit.lessons.check.provider import PracticeOwner
from botkit.lessons.check.teapot import describe_teapot
from botkit.oauth import Provider
from botkit.practice.browser.browser import Browser
from botkit.practice.world import Clock, World
from botkit.providers.contract import ContractReport, examine

BOT = "http://127.0.0.1:9"  # nobody listens there: the browser stops before it

PROVIDERS: dict[str, tuple[str, Callable[..., Provider]]] = {
    "GitHub": ("github", providers.github),
    "GitHub, expiring": ("github", providers.github),
    "GoogleDrive": ("google", providers.google_drive),
    "GoogleSheets": ("google", providers.google_sheets),
    "RingCentral": ("ringcentral_app", providers.ringcentral),
    "Teapot": ("teapot", describe_teapot),
}


@contextmanager
def running(name: str) -> Iterator[tuple[Provider, World]]:
    """The service as it runs in the practice world, and its right description."""
    world = World(Clock())
    try:
        place, describe = PROVIDERS[name]
        client_id, secret, server = world.start_service(place)
        if name == "GitHub, expiring":
            world.github.apps[client_id].expire_tokens = True
        provider = describe(client_id, secret, server=server)
        world.register_callbacks({client_id: [f"{BOT}/{provider.slug}/oauth"]})
        yield provider, world
    finally:
        world.close()


def examined(provider: Provider, world: World) -> ContractReport:
    redirect_uri = f"{BOT}/{provider.slug}/oauth"
    return examine(provider, PracticeOwner(Browser(), redirect_uri), redirect_uri, now=world.clock)


@cache
def report_of(name: str) -> ContractReport:
    with running(name) as (provider, world):
        return examined(provider, world)
