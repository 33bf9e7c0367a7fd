"""Send every HTTP request that botkit makes.

`Session` adds to `requests.Session` one time limit for everything, the name of the sender, and
watchers that see each exchange (`botkit.trace` is one).  `ApiSession` adds what every API call
needs: the token in the header and nowhere else, waiting when the API asks for it, and clear errors.
`read_fields` reads the JSON of an answer.

Not here: the connections themselves (`connections.py`), and what the answers mean (`tokens.py`, and
the skills).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import Any, Protocol
from urllib.parse import parse_qsl, urljoin, urlsplit

import requests
from requests.structures import CaseInsensitiveDict

from botkit.errors import ProviderUnreachable, RateLimited, ReconnectNeeded
from botkit.oauth import connections
from botkit.storage import current_turn
from botkit.version import __version__

USER_AGENT = f"botkit/{__version__} (teaching kit)"
TOTAL_SECONDS = 15.0  # for a request and its answer, from the first moment to the last byte
LONGEST_WAIT_SECONDS = 10.0
WITHOUT_A_NUMBER = 60.0  # seconds to wait if the API asks for it and does not say how long
LONGEST_TOKEN = 16 * 1024  # characters; servers take headers of about this length
LONGEST_LIMIT = 86400.0  # seconds; an API that asks for more is not believed


class Watcher(Protocol):
    """Something that sees every exchange, such as `botkit.trace.Trace`."""

    def before(self, request: requests.PreparedRequest) -> Any: ...

    def after(
        self, ticket: Any, response: requests.Response | None, error: Exception | None
    ) -> None: ...


watchers: list[Watcher] = []


class Session(requests.Session):
    """A `requests.Session` whose requests end, `seconds` after they began.

    That is for everything together: name, connection, TLS, headers, body and redirects.  A redirect
    to another host is not followed, but returned.  Open connections are shared with other sessions.
    Cookies and credentials are not, and nothing is read from the user's .netrc file.
    """

    def __init__(self, *, seconds: float | None = None) -> None:
        super().__init__()
        self.seconds = seconds  # None: TOTAL_SECONDS
        self.trust_env = False  # `connections` looks up proxies and certificates, and nothing else
        self.headers["User-Agent"] = USER_AGENT

    def get_adapter(self, url: str) -> requests.adapters.BaseAdapter:
        # Not `mount`ed, so that a session that was made before a fork uses the child's pool.
        super().get_adapter(url)  # raises `InvalidSchema` for anything but http and https
        return connections.SHARED.adapter

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        """Make a request with the headers, the credentials and the cookies of this session.

        A session of `requests` can have defaults for everything.  To merge those of ours, which are
        nearly all empty, would take a sixth of the time that a whole request takes.
        """
        if self.params or self.hooks["response"] or request.cookies:
            return super().prepare_request(request)
        headers = CaseInsensitiveDict[str | bytes](self.headers)
        for name, value in (request.headers or {}).items():
            if value is None:  # so a caller leaves out a header of the session
                headers.pop(name, None)
            else:
                headers[name] = value
        prepared = requests.PreparedRequest()
        prepared.prepare(
            method=(request.method or "GET").upper(),
            url=request.url,
            files=request.files,
            data=request.data,
            json=request.json,
            headers=headers,
            params=request.params,
            auth=request.auth or self.auth,
            cookies=self.cookies,
            hooks=request.hooks,
        )
        return prepared

    def merge_environment_settings(  # type: ignore[override]
        self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any
    ) -> dict[str, Any]:
        """Return how to send a request; `send` adds what `connections` has looked up."""
        return {"stream": stream or self.stream, "cert": cert or self.cert}

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        kwargs["proxies"] = connections.proxies_for(request.url or "")
        kwargs["verify"] = connections.certificates(request.url or "")
        tickets = [(watcher, watcher.before(request)) for watcher in watchers]
        response, failure = None, None
        try:
            with connections.limited_to(self.seconds or TOTAL_SECONDS):
                response = super().send(request, **kwargs)
            return response
        except Exception as error:
            failure = error
            raise
        finally:
            for watcher, ticket in tickets:
                watcher.after(ticket, response, failure)

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Return where a redirect leads, if it leads to the same origin."""
        target = super().get_redirect_target(resp)
        if target is None or origin(urljoin(resp.url, target)) != origin(resp.url):
            return None
        return target

    def close(self) -> None:
        """Forget nothing and close nothing: the connections are not this session's own."""


def origin(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port of an address, so that two can be compared.

    Case does not count, and a port may be left out.  Source: RFC 6454, section 4; RFC 3986, section
    6.2.2.1.  Raises `ValueError` if the port is not a number.
    """
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, (parts.hostname or "").rstrip("."), port


@contextmanager
def reaching(called: str) -> Iterator[None]:
    """Raise `ProviderUnreachable` if the request inside gets no answer from the service."""
    try:
        yield
    except requests.Timeout as error:
        raise ProviderUnreachable(f"{called} did not answer in time.") from error
    except requests.exceptions.ContentDecodingError as error:  # or it is too long
        raise ProviderUnreachable(f"{called} sent an answer that cannot be read.") from error
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
    answer = read_json(response)
    return answer if isinstance(answer, dict) else {}


def read_json(response: requests.Response) -> dict[str, Any] | list[Any] | None:
    """Return the answer if it is a JSON object or array; None if it is neither."""
    try:
        answer = response.json()
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict | list) else None


def is_token(value: object) -> bool:
    """Return whether a value can be a token: visible ASCII only (RFC 6749, appendix A.12).

    It also has to fit into the header in which it is sent.
    """
    fits = isinstance(value, str) and len(value) <= LONGEST_TOKEN
    return fits and re.fullmatch(r"[\x21-\x7e]+", str(value)) is not None


class BearerToken(requests.auth.AuthBase):
    """Send the token in a header (RFC 6750, section 2.1), to the host of `address` and no other.

    This is an `auth` object and not a header of the session, which would go to every host.
    """

    def __init__(self, token: str, address: str) -> None:
        if not is_token(token):  # it would end up in an error message that quotes the header
            raise ReconnectNeeded("This connection holds a token that cannot be sent.")
        self._token = token
        self._origin = origin(address)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if origin(request.url or "") == self._origin:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class ApiSession(Session):
    """A session for the API at `address`, with `token`.  A URL without a host is below `address`.

    `called` is the name of the service in error sentences.  If the API asks us to wait (429, 503,
    or GitHub's 403), the session waits up to `LONGEST_WAIT_SECONDS` in all and tries again.  On 401
    it calls `renew` once, with the refused token, for another one.  Any other answer is returned as
    it is.

    While a message is answered (`botkit.storage.turn`), nobody sleeps: the message waits in the
    database instead.  And a request that changes something, a POST or PATCH, is not sent again by
    another turn.  Source: RFC 9110, section 9.2.2.

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
        seconds: float | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(seconds=seconds)
        self.called = called
        self.address = address
        self.auth = BearerToken(token, address)
        self._token = token
        self._renew = renew
        self._sleep = sleep

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> Any:
        if isinstance(url, str) and not re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", url):
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
            if (turn := current_turn()) is not None:
                turn.wait(max(wait, 1.0))
            self._sleep(wait)

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        if request.method not in connections.IDEMPOTENT and (turn := current_turn()) is not None:
            turn.changes()
        return super().send(request, **kwargs)

    def _take_new_token(self) -> None:
        """Renew the token, once: a new token that is refused is not refused for its age."""
        if self._renew is None:
            raise ReconnectNeeded(f"{self.called} no longer accepts this connection.")
        renew, self._renew = self._renew, None
        self._token = renew(self._token)
        self.auth = BearerToken(self._token, self.address)


def seconds_to_wait(response: requests.Response) -> float | None:
    """Return how many seconds the answer asks us to wait, at most a day, or None."""
    headers = response.headers
    if response.status_code in (403, 429, 503) and "Retry-After" in headers:
        return _seconds_from_now(headers["Retry-After"])
    if response.status_code in (403, 429) and headers.get("X-RateLimit-Remaining") == "0":
        # GitHub sends a moment, in seconds since 1970, and not a duration.
        reset = headers.get("X-RateLimit-Reset", "")
        return _bounded(int(reset) - time.time()) if _is_number(reset) else WITHOUT_A_NUMBER
    if response.status_code in (403, 429) and _is_secondary_limit(response):
        return WITHOUT_A_NUMBER
    return None


def _is_secondary_limit(response: requests.Response) -> bool:
    """Return whether GitHub says, in words alone, that we send too many requests.

    Source: GitHub Docs, "Rate limits for the REST API": wait for at least one minute.
    """
    message = read_fields(response).get("message")
    return isinstance(message, str) and "secondary rate limit" in message.lower()


def _seconds_from_now(retry_after: str) -> float:
    """Read either form of the header, a number or a date; a minute if it is neither."""
    if _is_number(retry_after):
        return _bounded(float(retry_after))
    try:
        moment = parsedate_to_datetime(retry_after)
        return _bounded(moment.timestamp() - time.time())
    except (ValueError, OverflowError, OSError):  # a year that no computer's clock has
        return WITHOUT_A_NUMBER


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 12


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), LONGEST_LIMIT)
