"""Test the description of a provider against the service, line by line.

`examine` takes the whole trip several times, as the bot would, and tries what can go wrong: a
denial, a forged state, a code used twice, a token that nobody issued.  The result is a
`ContractReport`. Each of its lines says what was wanted and what came, and which fields of
`Provider` to look at.

Start with `LINES`.  `front_channel.py`, `back_channel.py` and `revocation.py` have the lines,
`case.py` what the lines share, `report.py` the result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from botkit.errors import BotkitError
from botkit.oauth import Provider
from botkit.providers.contract import back_channel as back
from botkit.providers.contract import front_channel as front
from botkit.providers.contract import revocation
from botkit.providers.contract.case import Case, ResourceOwner
from botkit.providers.contract.report import (
    Broken,
    ContractReport,
    Line,
    NotTried,
    in_words,
    look_at,
)
from botkit.storage import Storage, utc_now

__all__ = ["LINES", "ContractReport", "Line", "ResourceOwner", "examine"]

#: The lines in the order of the trip: the function that examines each, and the fields it is about.
LINES: dict[str, tuple[Callable[[Case], str], str]] = {
    "description": (front.description, ""),
    "link": (front.link, "authorize_url and authorize_params"),
    "deny": (front.deny, "authorize_url, client_id and scopes"),
    "callback": (front.callback, "authorize_url, client_id and scopes"),
    "state": (front.state, ""),
    "exchange": (back.exchange, "token_url and client_auth"),
    "scopes": (back.scopes, "scopes and scope_separator"),
    "account": (back.account, "account_url, account_id_field and account_name_field"),
    "used code": (back.used_code, "token_url"),
    "verifier": (back.verifier, "token_url"),
    "stored": (back.stored, ""),
    "API": (back.api, "api_url and account_url"),
    "refresh": (back.refresh, "token_url"),
    "errors": (back.errors, "client_auth"),
    "revoke": (revocation.revoked, "revocation"),
}


def examine(
    provider: Provider,
    person: ResourceOwner,
    redirect_uri: str,
    *,
    now: Callable[[], datetime] = utc_now,
) -> ContractReport:
    """Test a description against the service that it describes, and return the report.

    `person` decides on the consent page, several times.  `redirect_uri` must be registered at the
    service.  `now` is the clock of the service.  The connection is stored in a temporary database,
    and revoked at the end.  Whatever goes wrong becomes a line: nothing is raised.
    """
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        storage = Storage(f"sqlite:///{Path(folder) / 'contract.sqlite'}", now=now)
        try:
            storage.set_up()
            return ContractReport(tuple(_lines(Case(provider, person, redirect_uri, storage))))
        finally:
            storage.close()


def _lines(case: Case) -> Iterator[Line]:
    for name, (line, fields) in LINES.items():
        try:
            yield Line(name, "✔", line(case))
        except NotTried as reason:
            yield Line(name, "–", str(reason))
        except Broken as reason:
            yield Line(name, "✘", str(reason))
        except BotkitError as error:
            yield Line(name, "✘", in_words(error, fields))
        except Exception as error:  # a description may contain anything
            yield Line(name, "✘", look_at(f"This ended in {type(error).__name__}.", fields))
