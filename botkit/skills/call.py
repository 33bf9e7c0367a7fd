"""Give a command what it needs: the message, the connection, and the service's API.

Start with `Call.ask`.  A `Call` is made for each message.  The connection is looked up when it is
first used, so a command that needs none asks nobody for one.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from botkit.chat import Event
from botkit.errors import ApiRefused, NotConnected, ReconnectNeeded
from botkit.oauth import ApiSession, read_json
from botkit.skills.base import TRY_AGAIN, ServiceSkill
from botkit.storage import Service

PASSING = (408, 425, 429)  # a time limit, too early, too many requests


class Call:
    """A message to a skill: `text` is what the person wrote, and `event` has the rest."""

    def __init__(self, skill: ServiceSkill, event: Event) -> None:
        self.skill = skill
        self.event = event
        self.text = event.written or event.text

    # ---- the connection ------------------------------------------------------------------------

    @cached_property
    def service(self) -> Service:
        """The stored connection.  Raises `NotConnected`, which becomes a link in the chat."""
        service = self.skill.find(self.event)
        if service is None:
            raise NotConnected("You are not connected yet.")
        return service

    @property
    def kept(self) -> Mapping[str, Any]:
        """What this skill has kept with the connection.  Raises `NotConnected`."""
        data = self.service.data or {}
        start = self._kept_name("")
        return {name[len(start) :]: data[name] for name in data if name.startswith(start)}

    def keep(self, **values: Any) -> None:
        """Keep values with the connection, in JSON, until it ends; None forgets one.

        Raises `NotConnected`, or `ReconnectNeeded` if the connection has ended meanwhile.
        """
        data = {self._kept_name(name): value for name, value in values.items()}
        service = self.skill.storage.update_service(self.service.id, data)
        if service is None:
            raise ReconnectNeeded("You are not connected any more.")
        self.service = service

    def _kept_name(self, name: str) -> str:
        return f"{self.skill.word}.{name}"  # two skills may use one connection

    # ---- the service's API ---------------------------------------------------------------------

    @cached_property
    def api(self) -> ApiSession:
        """A `requests.Session` for the service's API, with the person's token.

        Raises `NotConnected` and what `botkit.oauth.api_session` raises.
        """
        return self.skill.api(self.service)

    def get(self, path: str, **options: Any) -> Any:
        """Return `ask("GET", path, ...)`."""
        return self.ask("GET", path, **options)

    def post(self, path: str, **options: Any) -> Any:
        """Return `ask("POST", path, ...)`."""
        return self.ask("POST", path, **options)

    def ask(
        self, method: str, path: str, *, what: str = "", having: str = "", **options: Any
    ) -> Any:
        """Send a request to the API; return the JSON of a good answer (2xx).

        That is a dict or a list, or None if the answer is empty.  `path` is below the API's
        address.  `options` are those of `requests`, such as `params` and `json`.  `what` is the
        name of the thing that is asked for, for the sentence about an answer that is not good.
        `having` is a member that a good answer must have.

        Raises `ApiRefused`, and what `botkit.oauth.http.ApiSession` raises.
        """
        answer = self.api.request(method, path, **options)
        is_good = 200 <= answer.status_code < 300
        found = read_json(answer) if is_good else None
        if found is None and is_good and not answer.content.strip() and not having:
            return None
        if found is not None and (not having or having in found):
            return found
        wanted, status = what or "answer that can be used", answer.status_code
        # The same request is refused again after a 404.
        may_pass = is_good or status >= 500 or status in PASSING
        raise ApiRefused(
            f"{self.skill.title} sent no {wanted} (it answered {status}).",
            answer=answer,
            advice=TRY_AGAIN if may_pass else "",
        )
