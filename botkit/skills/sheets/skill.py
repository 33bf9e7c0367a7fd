"""The Google Sheets skill: read and write the cells of a spreadsheet from the chat.

Each person chooses a spreadsheet with `sheet use LINK`; it is remembered with their connection.
What they write is read in sheet/words.py, what Google answers in sheet/answers.py; sheet/table.py
draws cells.

Values are written RAW: what begins with `=` stays text, so that nobody plants a formula from the
chat.  Source: the reference of the Sheets API, version 4.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import Any
from urllib.parse import quote

from botkit.chat import Event
from botkit.errors import ProviderNonsense, ProviderUnreachable, ReconnectNeeded
from botkit.oauth import missing_scopes, read_fields
from botkit.skills.base import ServiceSkill
from botkit.skills.sheets.answers import (
    LOOK_FIRST,
    Refusal,
    Tab,
    Unexplained,
    cells_of,
    listed,
    refusal,
    tabs_of,
    written_by,
)
from botkit.skills.sheets.table import draw_all, in_full
from botkit.skills.sheets.words import (
    Range,
    Unclear,
    quoted,
    read_cell,
    read_link,
    read_range,
    read_row,
    read_value,
    shown,
)
from botkit.storage import Service

ROWS, COLUMNS = 1_000, 50  # the most that is asked for at once; far more than a chat shows
RAW = {"valueInputOption": "RAW", "includeValuesInResponse": "true"}
DETAILS = """\
A tab's name with spaces goes into quotes: **sheet read 'My tab'!A1:C5**.
A value with a comma goes into double quotes: **sheet add "Rent, May", 950**.
**sheet set B2 ""** empties a cell. What begins with = stays text."""


@dataclass(frozen=True)
class Sheet:
    """What `sheet use` has chosen."""

    id: str
    title: str
    tab: str


class GoogleSheetsSkill(ServiceSkill):
    word = "sheets"
    introduction = "I read and write Google Sheets."
    commands = {
        "sheet use LINK": "chooses the spreadsheet",
        "sheet read A1:C5": "shows these cells",
        "sheet add a, b, c": "adds a row below the table",
        "sheet set B2 value": "writes into one cell",
    }
    remove_at = "in your Google account, under “Third-party apps & services”"

    def answer(self, event: Event, command: str) -> bool:
        if not re.match(r"sheets?(?!\S)", command):
            return False
        _, verb, argument, *_ = [*re.split(r"\s+", event.written or event.text, maxsplit=2), "", ""]
        verbs = {"use": self._use, "read": self._read, "add": self._add, "set": self._set}
        verb = verb.lower().strip(".!?")
        if verb not in verbs:
            near = get_close_matches(verb, verbs, n=1)
            hint = f"Did you mean **sheet {near[0]}**? " if near else ""
            self.say(event, f"{hint}With a sheet I understand:\n{self.list_commands()}")
        elif service := self.found(event):
            with self.telling(event):
                self.say(event, verbs[verb](service, argument.strip()))
        return True

    def welcome(self, service: Service) -> str:
        if missing_scopes(self.provider, service):
            return (
                "But I was not allowed to see and edit spreadsheets, so I can do nothing yet. "
                f"Say **{self.words[0]}** and leave the box for Google Sheets ticked."
            )
        sheet = _sheet_of(service)
        if sheet:
            return f"Your spreadsheet is still **{shown(sheet.title)}**: say **sheet read**."
        return "Say **sheet use LINK** with the link of a spreadsheet."

    def help(self, topic: str) -> str | None:
        return f"{self.list_commands()}\n{DETAILS}" if topic in (self.word, "sheet") else None

    def phrases(self) -> tuple[str, ...]:
        first_words = (" ".join(command.split()[:2]) for command in self.commands)
        return (*first_words, *self.words)

    @contextmanager
    def telling(self, event: Event) -> Iterator[None]:
        with super().telling(event):
            try:
                yield
            except (Unclear, Refusal) as error:
                self.say(event, str(error))

    # ---- the four commands: each returns the answer --------------------------------------------

    def _use(self, service: Service, argument: str) -> str:
        link = read_link(argument, home=self.provider.authorize_url.partition("/o/oauth2/")[0])
        title, tabs = self._look(service, link.id)
        tab = next((one for one in tabs if one.gid == link.gid), tabs[0])
        sheet = Sheet(link.id, title, tab.title)
        if self.storage.update_service(service.id, {"sheet": asdict(sheet)}) is None:
            raise ReconnectNeeded("You are not connected any more.")
        text = f"I use **{shown(title)}** now, its tab **{shown(tab.title)}**."
        if link.gid not in (None, tab.gid):
            text += " The tab in the link is gone, or has no cells."
        if len(tabs) > 1:
            text += f" There are {len(tabs)} tabs: {listed(tabs)}."
        return f"{text} Say **sheet read** to see it."

    def _read(self, service: Service, argument: str) -> str:
        sheet = self._chosen(service)
        argument = argument.rstrip(" .!?")
        asked = read_range(argument, sheet.tab) if argument else Range(sheet.tab)
        place = asked.first(ROWS, COLUMNS)
        rows = cells_of(self._call(service, sheet, place, "GET", _path(place.sent)))
        if not any(map(any, rows)):
            if argument:
                return f"**{shown(str(place))}** of **{shown(sheet.title)}** is empty."
            begin = "**sheet add a, b, c** writes its first row."
            return f"The tab **{shown(sheet.tab)}** of **{shown(sheet.title)}** is empty. {begin}"
        table = draw_all(rows, place, cut_short=len(rows) == ROWS and place != asked)
        return f"**{shown(sheet.title)}**, {shown(place.tab)}:\n{table}"

    def _add(self, service: Service, argument: str) -> str:
        sheet = self._chosen(service)
        row = read_row(argument)
        place = Range(sheet.tab, bottom=1, right=len(row))
        answer = self._write(
            *(service, sheet, place, "POST", _path(quoted(sheet.tab), ":append")),
            params={**RAW, "insertDataOption": "INSERT_ROWS"},
            json={"values": [row]},
        )
        place, cells = written_by(answer.get("updates"), sheet.tab)
        if not cells:
            raise Refusal(f"Google Sheets does not show what was added. {LOOK_FIRST}")
        where = f"**{shown(sheet.title)}** at **{shown(str(place))}**"
        return f"Added to {where}:\n{draw_all([cells], place)}"

    def _set(self, service: Service, argument: str) -> str:
        sheet = self._chosen(service)
        found = re.fullmatch(r"((?:['‘](?:[^'’]|'')+['’]!)?\S+)(?:\s+(.+))?", argument, re.DOTALL)
        if found is None:
            raise Unclear("Which cell, and what shall I write? Say **sheet set B2 value**.")
        place = read_cell(found[1], sheet.tab)
        if found[2] is None:
            raise Unclear(
                f"What shall I write? Say **sheet set {shown(found[1])} value**, "
                f'or **sheet set {shown(found[1])} ""** to empty the cell.'
            )
        value = "" if found[2] in ('""', "“”") else read_value(found[2])
        body = {"values": [[value]]}
        answer = self._write(
            *(service, sheet, place, "PUT", _path(place.sent)), params=RAW, json=body
        )
        place, cells = written_by(answer, sheet.tab)
        where = f"**{shown(str(place))}** of **{shown(sheet.title)}**"
        if not any(cells):
            return f"{where} is empty now."
        return f"{where} is now:\n{in_full(cells[0])}"

    # ---- how it talks to Google ----------------------------------------------------------------

    def _chosen(self, service: Service) -> Sheet:
        sheet = _sheet_of(service)
        if sheet is None:
            raise Unclear("No spreadsheet is chosen yet. Say **sheet use LINK** first.")
        return sheet

    def _look(self, service: Service, spreadsheet: str) -> tuple[str, list[Tab]]:
        """The title of a spreadsheet, and its tabs."""
        params = {"fields": "properties.title,sheets.properties"}
        return tabs_of(self._ask(service, "GET", f"/spreadsheets/{spreadsheet}", params=params))

    def _ask(self, service: Service, method: str, path: str, **options: Any) -> dict[str, Any]:
        with self.api(service) as api:
            answer = api.request(method, path, **options)
        if answer.status_code != 200:
            raise refusal(answer, str(service.account.get("name", "your account")))
        return read_fields(answer)

    def _call(
        self, service: Service, sheet: Sheet, place: Range, method: str, path: str, **options: Any
    ) -> dict[str, Any]:
        """Call a method of spreadsheets.values; a 400 there is about `place`: find out what."""
        try:
            return self._ask(service, method, f"/spreadsheets/{sheet.id}/values/{path}", **options)
        except Unexplained as error:
            unexplained = error
        title, tabs = self._look(service, sheet.id)
        tab = next((one for one in tabs if one.title.lower() == place.tab.lower()), None)
        if tab is None:
            known = f"**{shown(title)}** has no tab **{shown(place.tab)}**. It has: {listed(tabs)}."
            raise Refusal(f"{known} Choose one with **sheet use LINK**, or name it.")
        last = place.left if method == "GET" else place.right
        if place.top > tab.rows or last > tab.columns:
            has = f"**{shown(tab.title)}** has {tab.rows} rows and {tab.columns} columns"
            raise Refusal(f"{has}; {shown(place.cells)} lies outside.")
        raise unexplained

    def _write(
        self, service: Service, sheet: Sheet, place: Range, method: str, path: str, **options: Any
    ) -> dict[str, Any]:
        """The same, for what changes something: without an answer nobody knows whether it did."""
        try:
            return self._call(service, sheet, place, method, path, **options)
        except (ProviderUnreachable, ProviderNonsense) as error:
            raise Refusal(f"{error} {LOOK_FIRST}") from error


# ---- details -----------------------------------------------------------------------------------


def _sheet_of(service: Service) -> Sheet | None:
    """The choice that is kept with a connection, if it is one."""
    kept = (service.data or {}).get("sheet")
    values = [kept.get(name) for name in ("id", "title", "tab")] if isinstance(kept, dict) else []
    return Sheet(*map(str, values)) if values and all(values) else None


def _path(target: str, action: str = "") -> str:
    return f"{quote(target, safe='')}{action}"
