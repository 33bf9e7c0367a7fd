"""The one door through which botkit's own requests leave.

Every request that the bot sends has a time limit, says who sends it, and may be watched going by
(`botkit.trace.trace` does).  `ApiSession` adds what every API call needs: the token in the header
and nowhere else, patience when asked for it, and clear errors.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit
from urllib.request import getproxies

import requests

from botkit.errors import ProviderUnreachable, RateLimited, ReconnectNeeded

USER_AGENT = "botkit/0.1 (teaching kit)"
CONNECT_SECONDS, READ_SECONDS = 5.0, 10.0
LONGEST_WAIT_SECONDS = 10.0


class Watcher(Protocol):
    """Somebody who sees every exchange; `botkit.trace.trace.Trace` is one."""

    def before(self, request: requests.PreparedRequest) -> Any: ...

    def after(
        self, ticket: Any, response: requests.Response | None, error: Exception | None
    ) -> None: ...


watchers: list[Watcher] = []


class Session(requests.Session):
    """A `requests.Session` with a time limit on every request.

    `timeout` is (seconds to connect, seconds between two bytes of the answer).
    """

    def __init__(self, *, timeout: tuple[float, float] | None = None) -> None:
        super().__init__()
        self.timeout = timeout or (CONNECT_SECONDS, READ_SECONDS)
        self.headers["User-Agent"] = USER_AGENT

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        if kwargs.get("timeout") is None:  # requests itself would wait for ever
            kwargs["timeout"] = self.timeout
        tickets = [(watcher, watcher.before(request)) for watcher in watchers]
        response, failure = None, None
        try:
            response = super().send(request, **kwargs)
            return response
        except Exception as error:
            failure = error
            raise
        finally:
            for watcher, ticket in tickets:
                watcher.after(ticket, response, failure)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


def keep_proxies_out() -> None:
    """Let nothing that goes to this computer itself go through a proxy, which cannot reach it."""
    if not getproxies():  # of the environment, of Windows or of macOS
        return
    for name in ("NO_PROXY", "no_proxy"):
        there = os.environ.get(name, "")
        if "127.0.0.1" not in there:
            os.environ[name] = ",".join(filter(None, [there, "127.0.0.1,localhost"]))


@contextmanager
def reaching(party: str) -> Iterator[None]:
    """Turn a failed connection to `party` into `ProviderUnreachable`."""
    try:
        yield
    except requests.Timeout as error:
        raise ProviderUnreachable(f"{party} did not answer in time.") from error
    except requests.RequestException as error:
        raise ProviderUnreachable(f"{party} could not be reached.") from error
    except ValueError as error:  # requests stumbles over a redirect to an address that is none
        raise ProviderUnreachable(f"{party} sent an answer that cannot be read.") from error


def read_fields(response: requests.Response) -> dict[str, Any]:
    """The answer's members, whether JSON or (GitHub's habit) form-encoded; {} if it is neither."""
    if "form-urlencoded" in response.headers.get("Content-Type", ""):
        return dict(parse_qsl(response.text))
    try:
        answer = response.json()
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def is_token(value: object) -> bool:
    """Whether a value can be a token: visible ASCII characters only (RFC 6749, appendix A.12)."""
    return isinstance(value, str) and re.fullmatch(r"[\x21-\x7e]+", value) is not None


class BearerToken(requests.auth.AuthBase):
    """The token as a header (RFC 6750, section 2.1), on requests to `address` and to no other.

    An `auth` object and not a header of the session, because a header would give way to an entry in
    the user's .netrc file.
    """

    def __init__(self, token: str, address: str) -> None:
        if not is_token(token):  # it would end up in an error message that quotes the header
            raise ReconnectNeeded("This connection holds a token that cannot be sent.")
        self._token = token
        self._origin = urlsplit(address)[:2]

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if urlsplit(request.url or "")[:2] == self._origin:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class ApiSession(Session):
    """Calls the API of `party` at `address` with `token`; a URL without a host is one there.

    When the API asks us to wait (429, 503 or, GitHub's habit, 403 with Retry-After: RFC 9110,
    section 10.2.3) it waits, up to `LONGEST_WAIT_SECONDS` in all, and tries again.  On 401 it asks
    `renew`, with the refused token, for another one, once.  Raises `ReconnectNeeded` when there is
    none, `RateLimited` when the wait would be too long, `ProviderUnreachable` without an answer.
    Any other answer is returned as it is.
    """

    def __init__(
        self,
        party: str,
        address: str,
        token: str,
        *,
        renew: Callable[[str], str] | None = None,
        timeout: tuple[float, float] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(timeout=timeout)
        self.party = party
        self.address = address
        self.auth = BearerToken(token, address)
        self._token = token
        self._renew = renew
        self._sleep = sleep

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> Any:
        if isinstance(url, str) and "://" not in url:
            url = f"{self.address}/{url.removeprefix('/')}"
        patience = LONGEST_WAIT_SECONDS
        while True:
            with reaching(self.party):
                response = super().request(method, url, *args, **kwargs)
            if response.status_code == 401:
                self._take_new_token()
                continue
            wait = seconds_to_wait(response)
            if wait is None:
                return response
            # A server that says "0 seconds" for ever must not hold us for ever.
            patience -= max(wait, 1.0)
            if patience < 0:
                raise RateLimited(
                    f"{self.party} asks us to wait {wait:.0f} seconds.",
                    seconds=wait,
                    advice="Nothing is wrong with your connection. Try again after that.",
                )
            self._sleep(wait)

    def _take_new_token(self) -> None:
        """Once in the life of a session; a second refusal is not a matter of age."""
        if self._renew is None:
            raise ReconnectNeeded(f"{self.party} no longer accepts this connection.")
        renew, self._renew = self._renew, None
        self._token = renew(self._token)
        self.auth = BearerToken(self._token, self.address)


def seconds_to_wait(response: requests.Response) -> float | None:
    """How long the answer asks us to wait; None if it does not ask."""
    headers = response.headers
    if response.status_code in (403, 429, 503) and "Retry-After" in headers:
        return _seconds_from_now(headers["Retry-After"])
    if response.status_code in (403, 429) and headers.get("X-RateLimit-Remaining") == "0":
        # GitHub's own way: a moment, in seconds since 1970, and not a duration.
        reset = headers.get("X-RateLimit-Reset", "")
        return max(int(reset) - time.time(), 0.0) if _is_number(reset) else 60.0
    return None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 12


def _seconds_from_now(retry_after: str) -> float:
    """Either form of the header, a number of seconds or a date; a minute if it is neither."""
    if _is_number(retry_after):
        return float(retry_after)
    try:
        moment = parsedate_to_datetime(retry_after)
    except ValueError:
        return 60.0
    return max(moment.timestamp() - time.time(), 0.0)
