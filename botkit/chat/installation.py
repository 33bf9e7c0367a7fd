"""Install a bot in a company, and remove it.

RingCentral sends a *private* bot's token: POST /bot/oauth.  For a *public* bot, which any company
may add, it sends a code: GET /bot/oauth, and we exchange the code for the token.  Neither request
has a state or a signature, and anyone can send one.  So a token is accepted only after RingCentral
said whose it is: a bot user of an account whose bots may be here.  And a bot stays only if it could
be subscribed to its events, because without them it is of no use to anybody.

When a bot is deleted or leaves a chat, the connections that people made there are revoked and
deleted.

Not here: the web pages of the two requests (`botkit.bot.web`), and deliveries (`subscription.py`).

Source: RingCentral developer guide, "Bot walkthrough".
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from botkit.chat.events import read_id
from botkit.chat.ringcentral import EXTENSION, REFUSED, Chat
from botkit.chat.subscription import Outcome, Subscription
from botkit.errors import (
    BotkitError,
    ChatBusy,
    ChatError,
    InstallRefused,
    ProviderError,
    ProviderRefused,
    SealBroken,
    TryLater,
    WrongKey,
)
from botkit.oauth import Provider, ask_for_token, end_connection, is_token
from botkit.settings import Registration
from botkit.storage import Bot, Claimed, Storage, do_job, read_moment

log = logging.getLogger("botkit")

SECONDS_BETWEEN_TRIES = 10.0
TRIES = 30  # a new bot user is ready within some minutes
WAIT_SECONDS, LOOK_SECONDS = 5.0, 0.25  # for another install that is under way
INSTALL_SECONDS = 90.0  # longer than the requests of one install can take together
ACCOUNT = "account"  # where a bot's `data` remembers the id of its RingCentral account
PENDING = "pending"  # whether a new bot is not subscribed yet
INSTALLED = "installed"  # when it was installed last
ACCOUNTS = "BOTKIT_ACCOUNTS"
CHECK_SETTINGS = (
    "The owner of the bot must set RINGCENTRAL_CHATBOT_CLIENT_ID and "
    "RINGCENTRAL_CHATBOT_CLIENT_SECRET as they are in RingCentral's developer console."
)


class Installation:
    """Installs and removes the bots in `storage`.

    `providers` are those that people connect to.  `address` returns the bot's public address.
    `accounts` are the RingCentral accounts whose bots may be installed; if there are none, that is
    the account of the bots that are here.  `sleep` waits that many seconds.
    """

    def __init__(
        self,
        storage: Storage,
        chat: Chat,
        providers: Sequence[Provider],
        address: Callable[[], str],
        accounts: Sequence[str] = (),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.subscription = Subscription(storage, chat, address)
        self._storage = storage
        self._chat = chat
        self._providers = providers
        self._address = address
        self._accounts = accounts
        self.sleep = sleep

    # ---- install -------------------------------------------------------------------------

    def install_with_token(self, fields: Mapping[str, Any]) -> Bot:
        """Install a private bot with the token in the fields of the POST.

        Raises `InstallRefused`, or another `ChatError` if the bot could not be subscribed.
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
        owner = self._owner_of(token["access_token"])
        if owner.id != str(token.get("owner_id") or owner.id):
            raise _unclear()
        holder = self._hold()
        try:
            before = self._storage.find_bot(owner.id)
            self._check_account(owner, before)
            return self._save(owner, token, before)
        finally:
            self._storage.messages.drop("install", holder)

    def _hold(self) -> str:
        """Install one bot at a time, in all processes; return who holds that.

        The first bot decides which account is the right one.  Another install takes a second or
        two, and nobody knows whether RingCentral sends a token again.  So it is waited for, but
        only by requests whose token is a bot's.  Raises `ChatBusy` if it takes too long.
        """
        for _ in range(int(WAIT_SECONDS / LOOK_SECONDS)):
            if holder := self._storage.messages.hold("install", INSTALL_SECONDS):
                return holder
            self.sleep(LOOK_SECONDS)
        raise ChatBusy(
            "Another bot is being installed at this moment.",
            advice="Wait a little, then install it again.",
        )

    def _check_account(self, owner: _Owner, before: Bot | None) -> None:
        """Raise `InstallRefused` unless bots of this account may be installed here."""
        if before is not None:  # its account was asked for when it came first
            return
        allowed = set(self._accounts) or self._accounts_here()
        if allowed is not None and owner.account not in allowed:
            raise InstallRefused(
                f"This bot belongs to the RingCentral account {owner.account or 'of nobody'}, "
                "whose bots may not be installed here.",
                advice=f"The owner of this server can allow the account in {ACCOUNTS}.",
            )

    def _accounts_here(self) -> set[str] | None:
        """Return the accounts of the bots that are here; None if there is no bot at all.

        Rows of older versions do not say it, so RingCentral is asked.
        """
        bots, found = self._storage.find_bots(), set[str]()
        for bot in bots:
            account = (bot.data or {}).get(ACCOUNT)
            if account is None:
                with suppress(ChatError):
                    account = self.learn_account(bot, self._chat.call(bot.id, "GET", EXTENSION))
            if account:
                found.add(str(account))
        return found if bots else None

    def learn_account(self, bot: Bot, extension: Mapping[str, Any]) -> str:
        """Remember and return the account of a bot, from what RingCentral says about its owner."""
        account = _account_of(extension)
        if account and (bot.data or {}).get(ACCOUNT) != account:
            self._storage.update_bot(bot.id, {ACCOUNT: account})
        return account

    def _save(self, owner: _Owner, token: Mapping[str, Any], before: Bot | None) -> Bot:
        """Store the bot and subscribe it; if it cannot be subscribed, all is as before.

        The subscription is in hand before the bot is there.  Other processes look after every bot
        that they find, and if one of them subscribed this one, the install would end too early: the
        chats that the bot joins right after it would not be heard of.
        """
        holder = self.subscription.take(owner.id)
        try:
            return self._save_and_subscribe(owner, token, before, holder)
        finally:
            self.subscription.let_go(owner.id, holder)

    def _save_and_subscribe(
        self, owner: _Owner, token: Mapping[str, Any], before: Bot | None, holder: str
    ) -> Bot:
        known: dict[str, Any] = {"name": owner.name, ACCOUNT: owner.account}
        known |= {"subscriptionId": None, REFUSED: None}
        known[INSTALLED] = self._storage.now().isoformat()
        if before is None:
            known[PENDING] = True
        bot = self._storage.save_bot(owner.id, token=token, data=known)
        try:
            self.subscribe(owner.id, holder=holder)
        except ChatError:
            if before is None:
                self._storage.delete_bot(owner.id)
            else:
                old = before.data or {}
                undo = {name: old.get(name) for name in {*known, "next"}}
                self._storage.save_bot(owner.id, token=before.token, data=undo)
            raise
        return bot

    def update_token(self, bot_id: str, token: str) -> None:
        """Give a bot that is here a new token, after asking RingCentral whose it is.

        The subscription belongs to the old token: run `ensure` next.  Raises
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
        owner = self._owner_of(token)
        if owner.id != bot_id:
            raise InstallRefused(
                f"This is the token of bot {owner.id}, not of bot {bot_id}. Nothing was changed.",
                advice=f"Copy the token of bot {bot_id} from RingCentral.",
            )
        known = {"name": owner.name, ACCOUNT: owner.account, "subscriptionId": None, REFUSED: None}
        new = {**(bot.token or {}), "access_token": token}
        self._storage.save_bot(bot_id, token=new, data=known)

    def _owner_of(self, token: str) -> _Owner:
        """Return the bot whose token it is.  Raises `InstallRefused` if it is no bot's."""
        found = self._chat.fetch_owner(token)
        bot_id, name = read_id(found.get("id")), found.get("name")
        if not re.fullmatch("[0-9]{1,20}", bot_id):
            raise _unclear()
        if found.get("type") == "User":
            raise InstallRefused("This is the token of a person and not of a bot.")
        if found.get("type") != "Bot":
            raise InstallRefused("RingCentral does not say that this is the token of a bot.")
        return _Owner(bot_id, name[:100] if isinstance(name, str) else "", _account_of(found))

    def subscribe(self, bot_id: str, *, holder: str = "") -> None:
        """Subscribe the bot to its events; after a temporary error a job tries again.

        `holder` is that of `Subscription.take`.  Raises `ChatError` after a permanent error.
        """
        try:
            self.ensure(bot_id, holder=holder)
        except ChatBusy as error:
            log.info("The subscription of bot %s has to wait: %s", bot_id, error)
            self._storage.messages.add(do_job("subscribe", bot_id, seconds=SECONDS_BETWEEN_TRIES))

    def subscribe_again(self, job: Claimed) -> None:
        """Do the job "subscribe".

        A new bot that cannot be subscribed is deleted again.  Raises `TryLater` after a temporary
        error, until that has happened `TRIES` times, and `ChatError`.
        """
        _, bot_id = job.name
        bot = self._storage.find_bot(bot_id)
        try:
            self.ensure(bot_id)
        except ChatError as error:
            if isinstance(error, ChatBusy) and job.tries < TRIES:
                raise TryLater(max(error.seconds, SECONDS_BETWEEN_TRIES)) from error
            if bot is not None and self._is_pending(bot_id) and self._storage.delete_bot(bot):
                log.warning("Bot %s was not installed, because it gets no messages.", bot_id)
            raise

    def ensure(self, bot_id: str, *, holder: str = "") -> Outcome:
        """Do what `Subscription.ensure` does.  A new bot is installed for good then.

        Always subscribe a bot with this: the process that has installed it may have died.
        """
        outcome = self.subscription.ensure(bot_id, holder=holder)
        if self._is_pending(bot_id):
            self._storage.update_bot(bot_id, {PENDING: None})
        return outcome

    def _is_pending(self, bot_id: str) -> bool:
        bot = self._storage.find_bot(bot_id)
        return bot is not None and PENDING in (bot.data or {})

    # ---- remove --------------------------------------------------------------------------

    def leave_group(self, bot_id: str, group_id: str) -> int:
        """End the connections in a chat that the bot has left; return how many there were."""
        count = self._end({"bot_id": bot_id, "group_id": group_id})
        self._storage.delete_group(bot_id, group_id)
        return count

    def remove(self, bot: Bot | str) -> int:
        """Remove a bot that was deleted, and its connections; return how many there were.

        `bot` is its row as it was read: if it is installed again while its connections end, the bot
        itself stays.  Of one that cannot be read it is the id.
        """
        count = self._end({"bot_id": bot.id if isinstance(bot, Bot) else bot})
        self._storage.delete_bot(bot)
        return count

    def deleted_at(self, bot_id: str, moment: float) -> Bot | str | None:
        """Return the bot that was deleted at a moment, in seconds since 1970, for `remove`.

        It is None if the bot has been installed again since.
        """
        try:
            bot = self._storage.find_bot(bot_id)
        except (SealBroken, WrongKey):  # it can be removed all the same
            return bot_id
        installed = read_moment((bot.data or {}).get(INSTALLED)) if bot else None
        is_newer = installed is not None and installed.timestamp() > moment
        return None if is_newer else bot or bot_id

    def _end(self, leaving: Mapping[str, str]) -> int:
        """Revoke and delete the connections of a bot, or of one chat of it; return how many.

        A connection is left at the provider if that would end one that stays.  If a provider does
        not confirm, the log says so; the row is deleted all the same.
        """
        providers = {provider.name: provider for provider in self._providers}
        count = 0
        bot_id, group_id = leaving["bot_id"], leaving.get("group_id")
        for service in self._storage.each_service(bot_id=bot_id, group_id=group_id):
            count += 1
            provider = providers.get(service.name or "")
            if provider is None:
                continue  # `delete_group` or `delete_bot` deletes it, and what has changed since
            try:
                end_connection(self._storage, provider, service, leaving=leaving)
            except BotkitError as error:
                log.warning("A connection was removed here, but: %s", error)
        return count


class _Owner(NamedTuple):
    """The bot whose token it is; `account` is the RingCentral account that it belongs to."""

    id: str
    name: str
    account: str


def _account_of(extension: Mapping[str, Any]) -> str:
    account = extension.get("account")
    found = read_id(account.get("id")) if isinstance(account, Mapping) else ""
    return found if len(found) <= 64 else ""


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
