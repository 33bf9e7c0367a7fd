"""Send every HTTP request that botkit makes.

`Session` adds to `requests.Session` a time limit, the name of the sender, and watchers that see
each exchange (`botkit.trace` is one).  `ApiSession` adds what every API call needs: the token in
the header and nowhere else, waiting when the API asks for it, and clear errors.  `read_fields`
reads the JSON of an answer.

Not here: what the answers mean (`tokens.py`, and the skills).
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
from botkit.version import __version__

USER_AGENT = f"botkit/{__version__} (teaching kit)"
CONNECT_SECONDS = 5.0
READ_SECONDS = 10.0  # between two bytes of the answer
LONGEST_WAIT_SECONDS = 10.0


class Watcher(Protocol):
    """Something that sees every exchange, such as `botkit.trace.Trace`."""

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
        if kwargs.get("timeout") is None:  # requests itself has no limit
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


def keep_proxies_out() -> None:
    """Keep requests to this computer away from a proxy, which cannot reach it."""
    if not getproxies():  # of the environment, of Windows or of macOS
        return
    for name in ("NO_PROXY", "no_proxy"):
        there = os.environ.get(name, "")
        if "127.0.0.1" not in there:
            os.environ[name] = ",".join(filter(None, [there, "127.0.0.1,localhost"]))


@contextmanager
def reaching(called: str) -> Iterator[None]:
    """Raise `ProviderUnreachable` if the request inside gets no answer from the service."""
    try:
        yield
    except requests.Timeout as error:
        raise ProviderUnreachable(f"{called} did not answer in time.") from error
    except requests.RequestException as error:
        raise ProviderUnreachable(f"{called} could not be reached.") from error
    except ValueError as error:  # a redirect to something that is not an address
        raise ProviderUnreachable(f"{called} sent an answer that cannot be read.") from error


def read_fields(response: requests.Response) -> dict[str, Any]:
    """Return the fields of an answer, which is JSON or a form; {} if it is neither.

    GitHub's token endpoint answers with a form if it is not asked for JSON.
    """
    if "form-urlencoded" in response.headers.get("Content-Type", ""):
        return dict(parse_qsl(response.text))
    try:
        answer = response.json()
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def is_token(value: object) -> bool:
    """Return whether a value can be a token: visible ASCII only (RFC 6749, appendix A.12)."""
    return isinstance(value, str) and re.fullmatch(r"[\x21-\x7e]+", value) is not None


class BearerToken(requests.auth.AuthBase):
    """Send the token in a header (RFC 6750, section 2.1), to the host of `address` and no other.

    This is an `auth` object and not a header of the session, because requests would replace such a
    header with an entry of the user's .netrc file.
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
    """A session for the API at `address`, with `token`.  A URL without a host is below `address`.

    `called` is the name of the service in error sentences.  If the API asks us to wait (429, 503,
    or GitHub's 403), the session waits up to `LONGEST_WAIT_SECONDS` in all and tries again.  On 401
    it calls `renew` once, with the refused token, for another one.  Any other answer is returned as
    it is.

    Its requests raise `ReconnectNeeded` if there is no other token, `RateLimited` if the wait would
    be too long, and `ProviderUnreachable` if there is no answer.  Source: RFC 9110, section 10.2.3.
    """

    def __init__(
        self,
        called: str,
        address: str,
        token: str,
        *,
        renew: Callable[[str], str] | None = None,
        timeout: tuple[float, float] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(timeout=timeout)
        self.called = called
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
            with reaching(self.called):
                response = super().request(method, url, *args, **kwargs)
            if response.status_code == 401:
                self._take_new_token()
                continue
            wait = seconds_to_wait(response)
            if wait is None:
                return response
            # A server that always says "0 seconds" must not hold us forever.
            patience -= max(wait, 1.0)
            if patience < 0:
                raise RateLimited(
                    f"{self.called} asks us to wait {wait:.0f} seconds.",
                    seconds=wait,
                    advice="Nothing is wrong with your connection. Try again after that.",
                )
            self._sleep(wait)

    def _take_new_token(self) -> None:
        """Renew the token, once: a new token that is refused is not refused for its age."""
        if self._renew is None:
            raise ReconnectNeeded(f"{self.called} no longer accepts this connection.")
        renew, self._renew = self._renew, None
        self._token = renew(self._token)
        self.auth = BearerToken(self._token, self.address)


def seconds_to_wait(response: requests.Response) -> float | None:
    """Return how many seconds the answer asks us to wait, or None."""
    headers = response.headers
    if response.status_code in (403, 429, 503) and "Retry-After" in headers:
        return _seconds_from_now(headers["Retry-After"])
    if response.status_code in (403, 429) and headers.get("X-RateLimit-Remaining") == "0":
        # GitHub sends a moment, in seconds since 1970, and not a duration.
        reset = headers.get("X-RateLimit-Reset", "")
        return max(int(reset) - time.time(), 0.0) if _is_number(reset) else 60.0
    return None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 12


def _seconds_from_now(retry_after: str) -> float:
    """Read either form of the header, a number or a date; a minute if it is neither."""
    if _is_number(retry_after):
        return float(retry_after)
    try:
        moment = parsedate_to_datetime(retry_after)
    except ValueError:
        return 60.0
    return max(moment.timestamp() - time.time(), 0.0)
