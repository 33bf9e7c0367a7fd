"""Call a function that describes a service, such as `botkit.providers.github`.

The person who writes a skill also writes this function, so what it takes and returns is checked.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from botkit.errors import BotkitError, SettingsError
from botkit.oauth import Provider
from botkit.providers.fields import wrong_field

CORRECT = "Correct it in the function that describes the service."


def describe_service(
    describe: Callable[..., Any], client_id: str, client_secret: str, server: str = ""
) -> Provider:
    """Return the description of a service, with our app as it is registered there.

    `server` is handed over if the function takes it.  Raises `SettingsError` if the function takes
    something else, fails, or returns no `Provider` or one with an impossible field.  A
    `BotkitError` of the function, such as `DiscoveryError`, is raised as it is.
    """
    __tracebackhide__ = True  # for pytest
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
    try:
        described = describe(client_id, client_secret, **more)
    except BotkitError:
        raise
    except Exception as error:
        text = _without(client_secret, str(error).rstrip(" ."))
        happened = f"{type(error).__name__}: {text}" if text else type(error).__name__
        raise SettingsError(f"{name} failed with {happened}.", advice=CORRECT) from error
    if not isinstance(described, Provider):
        raise SettingsError(
            f"{name} returned a {type(described).__name__}.", advice="Let it return a Provider."
        )
    if sentence := wrong_field(described):
        happened = f"In the description {name}, {_without(client_secret, sentence)}"
        raise SettingsError(happened, advice=CORRECT)
    return described


def _without(secret: str, text: str) -> str:
    """Return a text without the client secret, which may be in a wrong field."""
    for shown in (secret, repr(secret)[1:-1]):
        text = text.replace(shown, "(the client secret)") if shown else text
    return text
