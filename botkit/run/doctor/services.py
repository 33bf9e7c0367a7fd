"""Check whether the services answer and accept the client id and secret.

One question is enough: exchange a made-up code.  A service that accepts the client id and secret
complains about the code; another complains about them.  Its answer also has the time.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import requests

from botkit.oauth import connections, http, read_fields
from botkit.run.doctor.questions import LiveService
from botkit.run.doctor.report import Check, note, ok, wrong

TIMEOUT = 7.0  # seconds for the whole answer
OFFLINE = "Check the network. Without it, practise: set BOTKIT_PRACTICE=1."
GREATEST_SKEW = 60.0  # seconds


class ServiceVisit:
    """One question to one service.

    `skew` is how many seconds this computer's clock is ahead of the service's.
    """

    def __init__(self, service: LiveService, now: Callable[[], datetime]) -> None:
        self.service = service
        self.skew: float | None = None
        self._now = now

    def checks(self) -> Iterator[Check]:
        """Yield whether it answers, and then whether it accepts the credentials."""
        name, key = self.service.name, self.service.key
        try:
            answer = self._ask()
        except requests.RequestException as error:
            yield wrong(f"{key}_answers", *_why_unreachable(self.service, error))
            return
        verdict = self.service.judge(answer.status_code, read_fields(answer))
        if verdict == "unknown":
            yield self._strange(answer.status_code)
            return
        self.skew = _skew(answer.headers.get("Date"), self._now())
        yield ok(f"{key}_answers", f"{name} answers.")
        if verdict == "accepted":
            yield ok(f"{key}_credentials", f"{name} accepts the client id and secret.")
        else:
            both = " and ".join(self.service.place.credentials)
            yield wrong(
                f"{key}_credentials",
                f"{name} does not accept the client id and secret.",
                f"Copy both again from your app's page there into {both}.",
            )

    def _ask(self) -> requests.Response:
        with http.Session(seconds=TIMEOUT) as session:
            return self.service.ask(session)

    def _strange(self, status: int) -> Check:
        name, check = self.service.name, f"{self.service.key}_answers"
        if status == 429:
            text = f"{name} asks us to wait, so the client id and secret were not tried."
            return note(check, text, "Ask again in some minutes.")
        if status >= 500:
            text = f"{name} has a problem of its own (it answered {status})."
            return wrong(check, text, f"Wait a little. Without {name}, set BOTKIT_PRACTICE=1.")
        return wrong(
            check,
            f"Something else answers instead of {name} (with {status}).",
            "A guest network does so until you have signed in: open any page in a browser.\n"
            f"If you are signed in, check {self.service.place.server_variable}.",
        )


def _why_unreachable(service: LiveService, error: requests.RequestException) -> tuple[str, str]:
    """Return what happened and what to do.

    The error's own text is left out: it may contain a proxy's password.
    """
    name, host = service.name, urlsplit(service.server).hostname
    if isinstance(error, requests.exceptions.ProxyError):
        advice = "Check HTTPS_PROXY and HTTP_PROXY, or ask the network's administrator."
        return f"The network's proxy does not let us through to {name}.", advice
    if isinstance(error, connections.CertificatesMissing):
        return str(error), "Correct it, or remove it to trust the usual certificates."
    if isinstance(error, requests.exceptions.SSLError):
        return (
            f"The connection to {name} cannot be made secure: its certificate is not accepted.",
            "Check the computer's clock first. If a proxy or virus scanner opens connections, ask "
            "for its\ncertificate and let REQUESTS_CA_BUNDLE name its file.",
        )
    if isinstance(error, requests.Timeout):
        return f"{name} does not answer in time.", f"A firewall may be in the way. {OFFLINE}"
    if _has_no_name(error):
        return f"The name {host} cannot be looked up.", OFFLINE
    advice = f"{OFFLINE}\nIf other pages open, check {service.place.server_variable}."
    return f"{name} cannot be reached at {service.server}.", advice


def _has_no_name(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, socket.gaierror):
            return True
        error = error.__cause__ or error.__context__
    return False


# ---- the clock ---------------------------------------------------------------------------------


def _skew(date: str | None, now: datetime) -> float | None:
    try:
        theirs = parsedate_to_datetime(date or "")
    except ValueError:
        return None
    return (now - theirs.replace(tzinfo=theirs.tzinfo or UTC)).total_seconds()


def clock(visits: list[ServiceVisit]) -> Check:
    """Our clock against that of the first service that answered."""
    for visit in visits:
        if visit.skew is None:
            continue
        name = visit.service.name
        if abs(visit.skew) <= GREATEST_SKEW:
            return ok("clock", f"This computer's clock agrees with that of {name}.")
        side = "ahead of" if visit.skew > 0 else "behind"
        return wrong(
            "clock",
            f"This computer's clock is {_amount(abs(visit.skew))} {side} that of {name}.",
            "Let the system set its time by itself: links and tokens expire by this clock.",
        )
    return note("clock", "The clock was not compared: no service has told the time.")


def _amount(seconds: float) -> str:
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} seconds"
