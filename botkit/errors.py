"""Define the errors that several parts of botkit raise.

Every error has two sentences: what happened (`str(error)`) and what to do next (`error.advice`).
The web pages and the replies in the chat are made of them, so no traceback reaches a person.  Some
advice is only for a person in a chat; the owner at a terminal reads `error.advice_at_terminal`.
`status` is the HTTP status of the page that shows the error.

Not here: errors that one part alone raises and handles.

    BotkitError
    ├── SettingsError
    ├── StorageError ─────── DatabaseBusy, DatabaseReadOnly, DatabaseFull, WrongKey, SealBroken
    ├── AuthorizationError ─ CallbackIncomplete, AuthorizationDenied, StateError, IssuerMismatch
    │                        StateError ── StateUnknown, StateUsed, StateExpired, StateForeign
    ├── ProviderError ────── ProviderRefused, ProviderUnreachable, ProviderNonsense, DiscoveryError
    │                        ProviderRefused ── ReconnectNeeded, RateLimited, ApiRefused
    │                        ReconnectNeeded ── NotConnected
    ├── CommandError
    ├── ChatError ────────── InstallRefused, NotFound, ChatBusy
    │                        InstallRefused ── TokenRefused, BotGone
    └── TunnelError, PortTaken, NotACallback, KitEnded

`TryLater` is not one of them: it is no error, but a way to say that work has to wait.
"""

from __future__ import annotations

from typing import Any


class BotkitError(Exception):
    """The base of all errors: catch this one to catch them all."""

    status = 500
    advice = "Please try again in a moment."
    _at_terminal = ""  # instead of the advice of the class, where that is for a chat

    def __init__(self, happened: str, *, advice: str | None = None) -> None:
        super().__init__(happened)
        if advice is not None:
            self.advice = advice
        self.add_note(self.advice)  # a traceback in a notebook ends with it

    @property
    def advice_at_terminal(self) -> str:
        """What to do next, for a person who has run a command and is not in a chat."""
        own = "advice" in vars(self)  # this one error was given it, so it fits
        return self.advice if own else self._at_terminal or self.advice


class TryLater(Exception):
    """Raised in work that has to wait and has changed nothing yet.

    It starts again from the beginning after `seconds`, and no thread waits for that: the moment is
    written in the database.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(f"It has to wait {seconds:.0f} seconds.")
        self.seconds = seconds


class HostCrowded(TryLater):
    """Raised in a turn when as many turns are at a `host` already as may be there."""

    def __init__(self, seconds: float, host: str) -> None:
        super().__init__(seconds)
        self.host = host


class SettingsError(BotkitError):
    """Raised when a setting cannot work; the message names the variable."""


# ---- the database ------------------------------------------------------------------------------


class StorageError(BotkitError):
    """Raised when the database failed; nothing was changed."""

    status = 503
    advice = "Nothing was lost. Please try again in a moment."


class DatabaseBusy(StorageError):
    """Raised when another process holds the database's lock for longer than we wait."""


class DatabaseFull(StorageError):
    """Raised when there is no room on the database's disk, or the disk fails."""

    advice = "The owner of this bot must see whether the disk is full. Then try again."


class DatabaseReadOnly(StorageError):
    """Raised when the database can be read but not written."""

    advice = "The owner of this bot must allow it to write to its database. Then try again."


class WrongKey(StorageError):
    """Raised when the database was encrypted with a key that we do not have."""

    advice = (
        "Nothing was changed. The owner of this bot must set BOTKIT_SECRET_KEY to the key that "
        "was used before; a newer one may stand in front of it, with a comma."
    )


class SealBroken(StorageError):
    """What is kept in the database was moved to another row, or planted there."""

    advice = (
        "Nothing was changed. The owner of this bot must find out who writes into its database, "
        "and delete that row. Then connect again."
    )


# ---- step 2, the callback ----------------------------------------------------------------------


class AuthorizationError(BotkitError):
    """Raised when a callback cannot become a connection; nothing was stored."""

    status = 400
    advice = "Go back to the chat and ask the bot for a new link."
    _at_terminal = "Run the command again, with a new link."


class CallbackIncomplete(AuthorizationError):
    """Raised when a callback lacks a required parameter (RFC 6749, section 4.1.2)."""


class AuthorizationDenied(AuthorizationError):
    """Raised when the person, or the provider for them, denied (RFC 6749, section 4.1.2.1)."""

    status = 403
    advice = (
        "Nothing was connected. If you change your mind, ask the bot in the chat for a new link."
    )


class StateError(AuthorizationError):
    """Raised when the `state` in a callback belongs to no auth link that can still be used."""


class StateUnknown(StateError):
    """Raised when this bot did not make such a link, or deleted it long ago."""


class StateUsed(StateError):
    """Raised when the link was used already."""

    status = 409
    advice = (
        "You are probably connected: look into the chat. If not, ask the bot there for a new link."
    )


class StateExpired(StateError):
    """Raised when the link has expired."""

    status = 410


class StateForeign(StateError):
    """Raised when the link was made for another provider than the one that answers."""


class IssuerMismatch(AuthorizationError):
    """Raised when a callback names another issuer than the provider (RFC 9207, section 2.4)."""


# ---- the provider -------------------------------------------------------------------------------


class ProviderError(BotkitError):
    """Raised when the provider, such as GitHub, did not return what was asked for."""

    status = 502
    advice = (
        "This is a problem of the other service. Wait a little, then ask the bot for a new link."
    )
    _at_terminal = "This is a problem of the other service. Wait a little, then run it again."


class ProviderUnreachable(ProviderError):
    """Raised without an answer: no connection, or no answer within the time limit."""

    status = 504
    _at_terminal = "Check the network and the address. Then run the command again."


class ProviderNonsense(ProviderError):
    """Raised for an answer that breaks the protocol: a web page, broken JSON, no token."""


class DiscoveryError(ProviderError):
    """Raised when a service does not publish its addresses, or not in a way that can be trusted."""

    advice = "Check the issuer, or describe the service by hand: lesson 10 shows how."
    _at_terminal = advice


class ProviderRefused(ProviderError):
    """Raised when the provider refuses a request.

    `code` is the provider's name for the reason, such as `bad_verification_code`; "" if there
    is none.
    """

    def __init__(self, happened: str, *, code: str = "", advice: str | None = None) -> None:
        super().__init__(happened, advice=advice)
        self.code = code


class ReconnectNeeded(ProviderRefused):
    """Raised when the token is no longer accepted: the person must connect again."""

    advice = "Please connect again."
    _at_terminal = "The person has to connect again, in the chat."


class NotConnected(ReconnectNeeded):
    """Raised when the person who speaks has no connection to the service yet."""


class ApiRefused(ProviderRefused):
    """Raised when an API did not send what a skill asked for; `answer` is what it sent instead."""

    def __init__(self, happened: str, *, answer: Any, advice: str | None = None) -> None:
        super().__init__(happened, advice=advice)
        self.answer = answer


class RateLimited(ProviderRefused):
    """Raised after too many requests, when waiting `seconds` would take too long."""

    def __init__(self, happened: str, *, seconds: float, advice: str | None = None) -> None:
        super().__init__(happened, code="rate_limited", advice=advice)
        self.seconds = seconds


# ---- a skill ------------------------------------------------------------------------------------


class CommandError(BotkitError):
    """Raised in a skill when a command cannot be done; the person reads the sentence."""

    advice = ""


# ---- the chat ----------------------------------------------------------------------------------


class ChatError(BotkitError):
    """Raised when the chat did not take a message, or did not answer.

    `code` is RingCentral's name for the error, such as `SUB-525`; "" if it gave none.
    """

    status = 502

    def __init__(self, happened: str, *, code: str = "", advice: str | None = None) -> None:
        super().__init__(happened, advice=advice)
        self.code = code


class InstallRefused(ChatError):
    """Raised when a bot has no token, or RingCentral does not accept its token or code."""

    status = 400
    advice = "Install the bot again in RingCentral."


class TokenRefused(InstallRefused):
    """Raised when RingCentral refuses this token of a bot: it expired, was replaced or revoked.

    It says nothing about the bot, which may work again with a new token.
    """


class BotGone(InstallRefused):
    """Raised when RingCentral says that the bot itself was deleted."""


class NotFound(ChatError):
    """Raised when the chat has no such thing, or this bot may not see it (HTTP 404)."""


class ChatBusy(ChatError):
    """Raised for a temporary error: the chat asks us to wait, is not ready or does not answer.

    `seconds` is how long it asks us to wait; 0 if it does not say.
    """

    status = 503

    def __init__(
        self, happened: str, *, code: str = "", advice: str | None = None, seconds: float = 0.0
    ) -> None:
        super().__init__(happened, code=code, advice=advice)
        self.seconds = seconds


# ---- the process in which a bot runs -----------------------------------------------------------


class TunnelError(BotkitError):
    """Raised when there is no public address for this bot."""


class PortTaken(BotkitError):
    """Raised when another program listens on the port that was asked for."""

    advice = "Choose another port, or leave it out: then a free one is found."


class NotACallback(BotkitError):
    """Raised when pasted text is not the address of a callback."""

    advice = "After Approve, copy the whole line from the browser's address bar."


class KitEnded(BotkitError):
    """Raised when a kit is used after another one has replaced it."""

    advice = "Use the new one: kit = botkit.start() gives one."
