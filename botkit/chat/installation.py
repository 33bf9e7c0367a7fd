"""Install a bot in a company, and remove it.

RingCentral sends a *private* bot's token: POST /bot/oauth.  For a *public* bot, which any company
may add, it sends a code: GET /bot/oauth, and we exchange the code for the token.  Neither request
has a state or a signature, and anyone can send one.  So a token is accepted only after RingCentral
said whose it is.

When a bot is deleted or leaves a chat, the connections that people made there are revoked and
deleted.

Not here: the web pages of the two requests (`botkit.bot.web`), and deliveries (`subscription.py`).

Source: RingCentral developer guide, "Bot walkthrough".
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from botkit.chat.ringcentral import REFUSED, Chat
from botkit.chat.subscription import Subscription
from botkit.errors import (
    BotkitError,
    ChatBusy,
    InstallRefused,
    ProviderError,
    ProviderRefused,
    TryLater,
)
from botkit.oauth import Provider, ask_for_token, end_connection, is_token
from botkit.settings import Registration
from botkit.storage import Bot, Claimed, Storage, do_job

log = logging.getLogger("botkit")

SECONDS_BETWEEN_TRIES = 10.0
TRIES = 30  # a new bot user is ready within some minutes
CHECK_SETTINGS = (
    "The owner of the bot must set RINGCENTRAL_CHATBOT_CLIENT_ID and "
    "RINGCENTRAL_CHATBOT_CLIENT_SECRET as they are in RingCentral's developer console."
)


class Installation:
    """Installs and removes the bots in `storage`.

    `providers` are those that people connect to.  `address` returns the bot's public address.
    """

    def __init__(
        self,
        storage: Storage,
        chat: Chat,
        providers: Sequence[Provider],
        address: Callable[[], str],
    ) -> None:
        self.subscription = Subscription(storage, chat, address)
        self._storage = storage
        self._chat = chat
        self._providers = providers
        self._address = address

    # ---- install -------------------------------------------------------------------------

    def install_with_token(self, fields: Mapping[str, Any]) -> Bot:
        """Install a private bot with the token in the fields of the POST.

        Raises `InstallRefused`, or another `ChatError` if the bot is stored but not subscribed.
        """
        token, client_id = fields.get("access_token"), fields.get("client_id")
        if not is_token(token):
            raise InstallRefused("The request brings no token for a bot.")
        if client_id and client_id != self._chat.registration.client_id:
            raise InstallRefused("This token is for a bot of another app.", advice=CHECK_SETTINGS)
        return self._install({"access_token": token})

    def install_with_code(self, query: Mapping[str, Sequence[str]]) -> Bot:
        """Install a public bot, with the code in the query of the GET.

        The token never expires, and there is no refresh token.  Raises what `install_with_token`
        raises.
        """
        codes = query.get("code", ())
        if len(codes) != 1 or not codes[0]:
            raise InstallRefused("RingCentral sent no code for a bot.")
        form = {
            "grant_type": "authorization_code",
            "code": codes[0],
            "redirect_uri": f"{self._address()}/bot/oauth",
        }
        try:
            answer = ask_for_token(as_provider(self._chat.registration), form)
        except ProviderRefused as error:
            raise _install_refused(error) from error
        except ProviderError as error:
            raise ChatBusy(str(error), advice="Wait a little, then install it again.") from error
        kept = ("access_token", "token_type", "expires_in", "scope", "owner_id")
        return self._install({name: answer[name] for name in kept if name in answer})

    def _install(self, token: Mapping[str, Any]) -> Bot:
        bot_id, name = self._owner_of(token["access_token"])
        if bot_id != str(token.get("owner_id") or bot_id):
            raise _unclear()
        known = {"name": name, "subscriptionId": None, REFUSED: None}
        bot = self._storage.save_bot(bot_id, token=token, data=known)
        self.subscribe(bot_id)
        return bot

    def update_token(self, bot_id: str, token: str) -> None:
        """Give a bot that is here a new token, after asking RingCentral whose it is.

        The subscription belongs to the old token: run `subscription.ensure` next.  Raises
        `InstallRefused` for a bot that is not here and for a token that is not this bot's, or
        another `ChatError`.
        """
        bot = self._storage.find_bot(bot_id)
        if bot is None:
            raise not_here(bot_id)
        if not is_token(token):
            raise InstallRefused(
                "This is not a token.", advice="Copy the token again from RingCentral."
            )
        owner, name = self._owner_of(token)
        if owner != bot_id:
            raise InstallRefused(
                f"This is the token of bot {owner}, not of bot {bot_id}. Nothing was changed.",
                advice=f"Copy the token of bot {bot_id} from RingCentral.",
            )
        known = {"name": name, "subscriptionId": None, REFUSED: None}
        new = {**(bot.token or {}), "access_token": token}
        self._storage.save_bot(bot_id, token=new, data=known)

    def _owner_of(self, token: str) -> tuple[str, str]:
        """Return the id and the name of the bot whose token it is."""
        owner = self._chat.fetch_owner(token)
        bot_id = str(owner.get("id") or "")
        if not bot_id.isdecimal():
            raise _unclear()
        if owner.get("type") == "User":
            raise InstallRefused("This is the token of a person and not of a bot.")
        return bot_id, str(owner.get("name") or "")

    def subscribe(self, bot_id: str) -> None:
        """Subscribe the bot to its events; after a temporary error a job tries again.

        Raises `ChatError` after a permanent error.
        """
        try:
            self.subscription.ensure(bot_id)
        except ChatBusy as error:
            log.info("The subscription of bot %s has to wait: %s", bot_id, error)
            self._storage.messages.add(do_job("subscribe", bot_id, seconds=SECONDS_BETWEEN_TRIES))

    def subscribe_again(self, job: Claimed) -> None:
        """Do the job "subscribe".

        Raises `TryLater` after a temporary error, until that has happened `TRIES` times, and
        `ChatError`.
        """
        _, bot_id = job.name
        try:
            self.subscription.ensure(bot_id)
        except ChatBusy as error:
            if job.tries >= TRIES:
                raise
            raise TryLater(max(error.seconds, SECONDS_BETWEEN_TRIES)) from error

    # ---- remove --------------------------------------------------------------------------

    def leave_group(self, bot_id: str, group_id: str) -> int:
        """End the connections in a chat that the bot has left; return how many there were."""
        count = self._end({"bot_id": bot_id, "group_id": group_id})
        self._storage.delete_group(bot_id, group_id)
        return count

    def remove(self, bot_id: str) -> int:
        """Remove a bot that was deleted, and its connections; return how many there were."""
        count = self._end({"bot_id": bot_id})
        self._storage.delete_bot(bot_id)
        return count

    def _end(self, leaving: Mapping[str, str]) -> int:
        """Revoke and delete the connections of a bot, or of one chat of it; return how many.

        A connection is left at the provider if that would end one that stays.  If a provider does
        not confirm, the log says so; the row is deleted all the same.
        """
        providers = {provider.name: provider for provider in self._providers}
        count = 0
        for service in self._storage.each_service(**leaving):
            count += 1
            provider = providers.get(service.name or "")
            if provider is None:
                continue  # `delete_group` or `delete_bot` deletes it, and what has changed since
            try:
                end_connection(self._storage, provider, service, leaving=leaving)
            except BotkitError as error:
                log.warning("A connection was removed here, but: %s", error)
        return count


def not_here(bot_id: str) -> InstallRefused:
    """Return the error about a bot that is not in the database."""
    return InstallRefused(
        f"There is no bot {bot_id} in this database.",
        advice="To see the bots and their ids, run: python -m botkit status",
    )


def _unclear() -> InstallRefused:
    return InstallRefused("RingCentral does not say clearly whose token this is.")


def as_provider(registration: Registration) -> Provider:
    """Describe RingCentral as the provider that exchanges the code for a bot's token."""
    server = registration.server
    return Provider(
        name="RingCentral",
        slug="bot",
        client_id=registration.client_id,
        client_secret=registration.client_secret,
        authorize_url=f"{server}/restapi/oauth/authorize",
        token_url=f"{server}/restapi/oauth/token",
        api_url=server,
        scopes=(),
        client_auth="basic",
    )


def _install_refused(error: ProviderRefused) -> InstallRefused:
    if error.code in ("invalid_client", "unauthorized_client"):
        sentence = f"RingCentral does not accept this bot's app ({error.code})."
        return InstallRefused(sentence, code=error.code, advice=CHECK_SETTINGS)
    return InstallRefused(
        str(error),
        code=error.code,
        advice="A code works once, and not for long. If the bot is in your chats already, all is "
        "well. If not, install it again in RingCentral.",
    )
