"""Choose the public address of the bot, from the settings and the machine.

A callback comes from a person's browser and a webhook from RingCentral, so the bot needs an address
that they can reach.  Start with `choose_address`, which only decides; `open_address` also opens a
tunnel.

A browser does not always run on this computer.  In a Codespace, or on a JupyterHub, it reaches the
ports of this computer only through a proxy.  `BrowserAddress` converts addresses.  Programs on this
computer always use loopback, because they have no cookie for the proxy.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from botkit.run.tunnel import Tunnel, open_tunnel
from botkit.settings import Settings

Source = Literal["configured", "ngrok", "proxy", "Codespaces", "JupyterHub", "loopback"]


@dataclass(frozen=True)
class PublicAddress:
    """The chosen address, and why it was chosen.

    `url` has no slash at the end.  It is None if ngrok will choose it.
    """

    source: Source
    url: str | None


@dataclass(frozen=True)
class BrowserAddress:
    """The way in which a browser reaches a port of this computer.

    `pattern` is an address with {port} in it.
    """

    pattern: str = "http://127.0.0.1:{port}"
    source: Source = "loopback"

    def url(self, port: int | str) -> str:
        """Return the address of a port for browsers, without a slash at the end."""
        return self.pattern.replace("{port}", str(port))

    def for_browsers(self, url: str) -> str:
        """Return what a browser needs instead of an address on loopback."""
        here = re.match(r"http://127\.0\.0\.1:([0-9]{1,5})(?![^/?#])", url)
        if here is None or self.on_loopback(url) != url:  # it is one for browsers already
            return url
        return self.url(here[1]) + url[here.end() :]

    def on_loopback(self, url: str) -> str:
        """Return what a program on this computer needs instead of a browser's `url`."""
        start, end = map(re.escape, self.pattern.split("{port}", 1))
        there = re.match(rf"{start}([0-9]{{1,5}}){end}(?![^/?#])", url)
        return f"http://127.0.0.1:{there[1]}{url[there.end() :]}" if there else url

    def is_here(self, address: str) -> bool:
        """Return whether an address is on loopback, without a proxy."""
        return address.startswith("http://127.0.0.1:") and self.on_loopback(address) == address


def find_browser_address(settings: Settings, environment: Mapping[str, str]) -> BrowserAddress:
    """Return how a browser reaches this computer.

    The first of these decides: BOTKIT_PUBLIC_URL, Codespaces, JupyterHub, loopback.

    Sources: GitHub Docs, "Default environment variables for your codespace"; JupyterHub,
    "JUPYTERHUB_PUBLIC_URL"; jupyter-server-proxy, "Accessing arbitrary ports".
    """
    if settings.public_url:
        return BrowserAddress(settings.public_url, "proxy")
    codespace = environment.get("CODESPACE_NAME")
    domain = environment.get("GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN")
    if codespace and domain:
        return BrowserAddress(f"https://{codespace}-{{port}}.{domain}", "Codespaces")
    hub = environment.get("JUPYTERHUB_PUBLIC_URL")
    if hub:  # of this user's server, with its path; the hub forwards what is below proxy/PORT
        return BrowserAddress(f"{hub.rstrip('/')}/proxy/{{port}}", "JupyterHub")
    return BrowserAddress()


def choose_address(settings: Settings, browser_address: BrowserAddress, port: int) -> PublicAddress:
    """Return the bot's public address.

    The first of these decides: a configured address, ngrok, and then how a browser reaches this
    computer.  `port` is the bot's port on this computer.  A setting for the bot wins over the
    environment, because a webhook comes through a tunnel, but not through a hub that wants a
    sign-in.
    """
    if settings.public_address:
        return PublicAddress("configured", settings.public_address)
    if settings.ngrok_authtoken:
        return PublicAddress(
            "ngrok", f"https://{settings.ngrok_domain}" if settings.ngrok_domain else None
        )
    return PublicAddress(browser_address.source, browser_address.url(port))


def open_address(
    settings: Settings, browser_address: BrowserAddress, port: int
) -> tuple[str, Tunnel | None]:
    """Return the address for a bot on `port`, and the tunnel to it or None.

    Raises `TunnelError`.
    """
    chosen = choose_address(settings, browser_address, port)
    if chosen.url and chosen.source != "ngrok":
        return chosen.url, None
    tunnel = open_tunnel(port, authtoken=settings.ngrok_authtoken, fixed_url=chosen.url)
    return tunnel.public_url, tunnel
