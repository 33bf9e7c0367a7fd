"""What can go wrong, as a ladder of named errors.

Every error says two things in plain words: what happened (`str(error)`) and what to do next
(`error.advice`).  The web pages and the bot's answers in the chat are made of these two sentences,
so no traceback has to reach a person.  `status` is the HTTP status of the page that shows it.

    BotkitError
    ├── SettingsError
    ├── StorageError ─────── DatabaseBusy, DatabaseReadOnly, WrongKey
    ├── AuthorizationError ─ CallbackIncomplete, AuthorizationDenied, StateError, IssuerMismatch
    │                        StateError ── StateUnknown, StateUsed, StateExpired, StateForeign
    ├── ProviderError ────── ProviderRefused, ProviderUnreachable, ProviderNonsense
    │                        ProviderRefused ── ReconnectNeeded, RateLimited
    ├── ChatError ────────── InstallRefused, NotFound, ChatBusy
    │                        InstallRefused ── BotGone
    └── TunnelError, PortTaken, NotACallback, KitEnded
"""

from __future__ import annotations


class BotkitError(Exception):
    """The root of the ladder: catch this one to catch them all."""

    status = 500
    advice = "Please try again in a moment."

    def __init__(self, happened: str, *, advice: str | None = None) -> None:
        super().__init__(happened)
        if advice is not None:
            self.advice = advice
        self.add_note(self.advice)  # a traceback in a notebook ends with it


class SettingsError(BotkitError):
    """Something that was set from outside cannot work; the sentence names the variable."""


# ---- the database ------------------------------------------------------------------------------


class StorageError(BotkitError):
    """The database did not do what was asked; nothing was changed."""

    status = 503
    advice = "Nothing was lost. Please try again in a moment."


class DatabaseBusy(StorageError):
    """Another process holds the database's lock for longer than we wait."""


class DatabaseReadOnly(StorageError):
    """The database can be read but not written."""

    advice = "The owner of this bot must allow it to write to its database. Then try again."


class WrongKey(StorageError):
    """What is kept in the database was sealed with a key that we do not have."""

    advice = (
        "Nothing was changed. The owner of this bot must set BOTKIT_SECRET_KEY to the key that "
        "was used before; a newer one may stand in front of it, with a comma."
    )


# ---- step 2, the callback ----------------------------------------------------------------------


class AuthorizationError(BotkitError):
    """The callback cannot be turned into a connection; nothing was stored."""

    status = 400
    advice = "Go back to the chat and ask the bot for a new link."


class CallbackIncomplete(AuthorizationError):
    """The callback came without a parameter that it must have (RFC 6749, section 4.1.2)."""


class AuthorizationDenied(AuthorizationError):
    """The person pressed Deny, or the provider said no for them (RFC 6749, section 4.1.2.1)."""

    status = 403
    advice = (
        "Nothing was connected. If you change your mind, ask the bot in the chat for a new link."
    )


class StateError(AuthorizationError):
    """The `state` in the callback does not belong to a link that is waiting for its answer."""


class StateUnknown(StateError):
    """This bot never gave out such a link, or has long forgotten it."""


class StateUsed(StateError):
    """The link has done its work once; it does not work twice."""

    status = 409
    advice = (
        "You are probably connected: look into the chat. If not, ask the bot there for a new link."
    )


class StateExpired(StateError):
    """The link was opened too late."""

    status = 410


class StateForeign(StateError):
    """The link was made for another provider than the one that answers."""


class IssuerMismatch(AuthorizationError):
    """The callback says that it comes from somebody else (RFC 9207, section 2.4)."""


# ---- the other side ----------------------------------------------------------------------------


class ProviderError(BotkitError):
    """The provider (GitHub, say) did not give what was asked."""

    status = 502
    advice = (
        "This is a problem of the other service. Wait a little, then ask the bot for a new link."
    )


class ProviderUnreachable(ProviderError):
    """No answer at all: no connection, or none within the time limit."""

    status = 504


class ProviderNonsense(ProviderError):
    """An answer that is not what the protocol promises: a web page, broken JSON, no token."""


class ProviderRefused(ProviderError):
    """A well-formed no.  `code` is the provider's name for it, such as `bad_verification_code`."""

    def __init__(self, happened: str, *, code: str = "", advice: str | None = None) -> None:
        super().__init__(happened, advice=advice)
        self.code = code


class ReconnectNeeded(ProviderRefused):
    """The token is no longer accepted (HTTP 401): only the person can mend that."""

    advice = "Please connect again."


class RateLimited(ProviderRefused):
    """Too many requests, and waiting would take too long.  `seconds` says how long."""

    def __init__(self, happened: str, *, seconds: float, advice: str | None = None) -> None:
        super().__init__(happened, code="rate_limited", advice=advice)
        self.seconds = seconds


class ChatError(BotkitError):
    """The chat did not take a message, or did not answer.

    `code` is RingCentral's name for the trouble, such as `SUB-525`; empty if it gave none.
    """

    status = 502

    def __init__(self, happened: str, *, code: str = "", advice: str | None = None) -> None:
        super().__init__(happened, advice=advice)
        self.code = code


class InstallRefused(ChatError):
    """There is no token for this bot, or RingCentral does not confirm it, or the code for one."""

    status = 400
    advice = "Install the bot again in RingCentral."


class BotGone(InstallRefused):
    """The bot was deleted in RingCentral, or its token was: there is no such thing any more."""


class NotFound(ChatError):
    """The chat has no such thing, or this bot may not see it (HTTP 404)."""


class ChatBusy(ChatError):
    """This may work in a moment: the chat asks us to wait, does not answer, or is not ready yet."""

    status = 503


class TunnelError(BotkitError):
    """There is no public address for this bot."""


class PortTaken(BotkitError):
    """Another program listens on the port that was asked for."""

    advice = "Choose another port, or leave it out: then a free one is found."


class NotACallback(BotkitError):
    """What was pasted is not the address to which a provider sends the browser back."""

    advice = "After Approve, copy the whole line from the browser's address bar."


class KitEnded(BotkitError):
    """A kit is used after another one has taken its place."""

    advice = "Use the new one: kit = botkit.start() gives one."
