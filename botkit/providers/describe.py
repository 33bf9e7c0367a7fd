"""Call a function that describes a service, such as `botkit.providers.github`.

The person who writes a skill also writes this function, so what it takes and returns is checked.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from botkit.errors import SettingsError
from botkit.oauth import Provider


def describe_service(
    describe: Callable[..., Any], client_id: str, client_secret: str, server: str = ""
) -> Provider:
    """Return the description of a service, with our app as it is registered there.

    `server` is handed over if the function takes it.  Raises `SettingsError` if the function takes
    something else or does not return a `Provider`, and what the function itself raises.
    """
    name = getattr(describe, "__name__", "The description")
    signature = inspect.signature(describe)
    more = {"server": server} if server and "server" in signature.parameters else {}
    try:
        signature.bind(client_id, client_secret, **more)
    except TypeError:
        raise SettingsError(
            f"{name} takes other arguments than a client id and a client secret.",
            advice=f"Write it as def {name}(client_id, client_secret), or with server at the end.",
        ) from None
    described = describe(client_id, client_secret, **more)
    if not isinstance(described, Provider):
        raise SettingsError(
            f"{name} returned a {type(described).__name__}.", advice="Let it return a Provider."
        )
    return described
