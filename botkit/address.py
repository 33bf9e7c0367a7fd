"""Where others find the bot: one decision, from the settings and the machine around us.

A callback comes from a person's browser and a webhook from RingCentral, so the bot needs an address
that these can reach.  `choose_address` only decides; `open_address` opens what has to be opened.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from botkit.settings import Settings
from botkit.tunnel import Tunnel, open_tunnel

Source = Literal["configured", "Codespaces", "JupyterHub", "ngrok", "loopback"]


@dataclass(frozen=True)
class Address:
    """`url` has no final slash; it is None where ngrok will choose it."""

    source: Source
    url: str | None


def choose_address(settings: Settings, environment: Mapping[str, str], port: int) -> Address:
    """The first that is there decides: configured, Codespaces, JupyterHub, ngrok, loopback.

    `port` is where the bot listens on this machine.  Sources: GitHub Docs, "Default environment
    variables for your codespace"; JupyterHub, "JUPYTERHUB_PUBLIC_URL"; jupyter-server-proxy.
    """
    if settings.public_address:
        return Address("configured", settings.public_address)
    codespace = environment.get("CODESPACE_NAME")
    domain = environment.get("GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN")
    if codespace and domain:
        return Address("Codespaces", f"https://{codespace}-{port}.{domain}")
    hub = environment.get("JUPYTERHUB_PUBLIC_URL")
    if hub:  # of this user's server, with its path; the hub forwards what is below proxy/PORT
        return Address("JupyterHub", f"{hub.rstrip('/')}/proxy/{port}")
    if settings.ngrok_authtoken:
        return Address(
            "ngrok", f"https://{settings.ngrok_domain}" if settings.ngrok_domain else None
        )
    return Address("loopback", f"http://127.0.0.1:{port}")


def open_address(settings: Settings, port: int) -> tuple[str, Tunnel | None]:
    """The address for a bot that listens on `port`, and the tunnel that leads there if one does.

    In practice the address is always this computer's own.  Raises `TunnelError`.
    """
    if settings.practice:
        return f"http://127.0.0.1:{port}", None
    chosen = choose_address(settings, os.environ, port)
    if chosen.url and chosen.source != "ngrok":
        return chosen.url, None
    tunnel = open_tunnel(port, authtoken=settings.ngrok_authtoken, fixed_url=chosen.url)
    return tunnel.public_url, tunnel
