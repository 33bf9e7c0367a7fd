"""Where others find the bot: one decision, from the settings and the machine around us.

A callback comes from a person's browser and a webhook from RingCentral, so the bot needs an address
that these can reach.  `choose_address` only decides; `open_address` opens what has to be opened.

A browser need not run on this computer: in a Codespace, or on a JupyterHub, it reaches a port of
ours only through a proxy.  `Reach` knows how.  Programs on this computer always use loopback: they
have no cookie for that proxy.
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
class Address:
    """`url` has no final slash; it is None where ngrok will choose it."""

    source: Source
    url: str | None


@dataclass(frozen=True)
class Reach:
    """How a browser comes to a port of this computer: `pattern` has {port} in it."""

    pattern: str = "http://127.0.0.1:{port}"
    source: Source = "loopback"

    def url(self, port: int | str) -> str:
        """The address of a port, without a final slash."""
        return self.pattern.replace("{port}", str(port))

    def for_browsers(self, url: str) -> str:
        """What a browser must be given in the place of an address on loopback."""
        here = re.match(r"http://127\.0\.0\.1:([0-9]{1,5})(?![^/?#])", url)
        if here is None or self.on_loopback(url) != url:  # it is one for browsers already
            return url
        return self.url(here[1]) + url[here.end() :]

    def on_loopback(self, url: str) -> str:
        """Where a program on this computer finds what a browser finds at `url`."""
        start, end = map(re.escape, self.pattern.split("{port}", 1))
        there = re.match(rf"{start}([0-9]{{1,5}}){end}(?![^/?#])", url)
        return f"http://127.0.0.1:{there[1]}{url[there.end() :]}" if there else url

    def is_here(self, address: str) -> bool:
        """Whether an address is this computer's own, with no proxy before it."""
        return address.startswith("http://127.0.0.1:") and self.on_loopback(address) == address


def find_reach(settings: Settings, environment: Mapping[str, str]) -> Reach:
    """The first that is there decides: BOTKIT_PUBLIC_URL, Codespaces, JupyterHub, loopback.

    Sources: GitHub Docs, "Default environment variables for your codespace"; JupyterHub,
    "JUPYTERHUB_PUBLIC_URL"; jupyter-server-proxy, "Accessing arbitrary ports".
    """
    if settings.public_url:
        return Reach(settings.public_url, "proxy")
    codespace = environment.get("CODESPACE_NAME")
    domain = environment.get("GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN")
    if codespace and domain:
        return Reach(f"https://{codespace}-{{port}}.{domain}", "Codespaces")
    hub = environment.get("JUPYTERHUB_PUBLIC_URL")
    if hub:  # of this user's server, with its path; the hub forwards what is below proxy/PORT
        return Reach(f"{hub.rstrip('/')}/proxy/{{port}}", "JupyterHub")
    return Reach()


def choose_address(settings: Settings, reach: Reach, port: int) -> Address:
    """The first that is there decides: configured, ngrok, and then how a browser gets here.

    `port` is where the bot listens on this machine.  What somebody has set for the bot wins over
    what surrounds it: a webhook comes through a tunnel, and not through a hub that wants a sign-in.
    """
    if settings.public_address:
        return Address("configured", settings.public_address)
    if settings.ngrok_authtoken:
        return Address(
            "ngrok", f"https://{settings.ngrok_domain}" if settings.ngrok_domain else None
        )
    return Address(reach.source, reach.url(port))


def open_address(settings: Settings, reach: Reach, port: int) -> tuple[str, Tunnel | None]:
    """The address for a bot that listens on `port`, and the tunnel that leads there if one does.

    Raises `TunnelError`.
    """
    chosen = choose_address(settings, reach, port)
    if chosen.url and chosen.source != "ngrok":
        return chosen.url, None
    tunnel = open_tunnel(port, authtoken=settings.ngrok_authtoken, fixed_url=chosen.url)
    return tunnel.public_url, tunnel
