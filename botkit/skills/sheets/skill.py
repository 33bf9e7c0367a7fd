"""Read and write the cells of a spreadsheet from the chat.

Each person chooses a spreadsheet with `sheet use LINK`, and it is kept with their connection.
Start with `GoogleSheetsSkill.answer`; the four commands follow it, and each returns its reply.

Not here: how a command is read (`commands.py`), the requests to Google (`api.py`), and how cells
are drawn (`table.py`).
"""

from __future__ import annotations

import re
from dataclasses import asdict
from difflib import get_close_matches

from botkit.chat import Event, read_text
from botkit.errors import ReconnectNeeded
from botkit.oauth import missing_scopes
from botkit.providers import google_sheets
from botkit.skills.base import ServiceSkill
from botkit.skills.sheets.api import CHECK_FIRST, Sheet, SheetsApi, SheetsRefused, list_tabs
from botkit.skills.sheets.commands import (
    LONGEST_TITLE,
    InvalidInput,
    Range,
    one_line,
    read_cell,
    read_link,
    read_range,
    read_row,
    read_value,
    split_cell,
)
from botkit.skills.sheets.table import draw_answer, draw_cell
from botkit.storage import Service

# The most that is read with one command; far more than a chat shows.
ROWS = 1_000
COLUMNS = 50
DETAILS = """\
A tab's name with spaces goes into quotes: **sheet read 'My tab'!A1:C5**.
A value with a comma goes into double quotes: **sheet add "Rent, May", 950**.
**sheet set B2 ""** empties a cell. What begins with = stays text."""


class GoogleSheetsSkill(ServiceSkill):
    word, connects_to = "sheets", google_sheets
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
        verb = read_text(verb).lower().strip(".!?")
        if verb not in verbs:
            near = get_close_matches(verb[:100], verbs, n=1)
            hint = f"Did you mean **sheet {near[0]}**? " if near else ""
            self.reply(event, f"{hint}With a sheet I understand:\n{self.list_commands()}")
        elif service := self.find_or_send_link(event):
            with self.replying_errors(event):
                self.reply(event, verbs[verb](service, argument.strip()))
        return True

    def welcome(self, service: Service) -> str:
        if missing_scopes(self.provider, service):
            return (
                "But I was not allowed to see and edit spreadsheets, so I can do nothing yet. "
                f"Say **{self.words[0]}** and leave the box for Google Sheets ticked."
            )
        sheet = _sheet_of(service)
        if sheet:
            return f"Your spreadsheet is still **{one_line(sheet.title)}**: say **sheet read**."
        return "Say **sheet use LINK** with the link of a spreadsheet."

    def help(self, topic: str) -> str | None:
        return f"{self.list_commands()}\n{DETAILS}" if topic in (self.word, "sheet") else None

    def phrases(self) -> tuple[str, ...]:
        first_words = (" ".join(command.split()[:2]) for command in self.commands)
        return (*first_words, *self.words)

    # ---- the four commands: each returns the reply ---------------------------------------------

    def _use(self, service: Service, argument: str) -> str:
        link = read_link(argument, home=self.provider.authorize_url.partition("/o/oauth2/")[0])
        title, tabs = self._sheets(service).find_tabs(link.id)
        tab = next((one for one in tabs if one.gid == link.gid), tabs[0])
        sheet = Sheet(link.id, title, tab.title)
        if self.storage.update_service(service.id, {"sheet": asdict(sheet)}) is None:
            raise ReconnectNeeded("You are not connected any more.")
        text = f"I use **{one_line(title)}** now, its tab **{one_line(tab.title)}**."
        if link.gid not in (None, tab.gid):
            text += " The tab in the link is gone, or has no cells."
        if len(tabs) > 1:
            text += f" There are {len(tabs)} tabs: {list_tabs(tabs)}."
        return f"{text} Say **sheet read** to see it."

    def _read(self, service: Service, argument: str) -> str:
        sheet = self._chosen(service)
        argument = argument.rstrip(" .!?")
        asked = read_range(argument, sheet.tab) if argument else Range(sheet.tab)
        place = asked.first(ROWS, COLUMNS)
        rows = self._sheets(service).read(sheet, place)
        if not any(map(any, rows)):
            if argument:
                shown = one_line(str(place), LONGEST_TITLE)
                return f"**{shown}** of **{one_line(sheet.title)}** is empty."
            tab = f"The tab **{one_line(sheet.tab)}** of **{one_line(sheet.title)}**"
            return f"{tab} is empty. **sheet add a, b, c** writes its first row."
        table = draw_answer(rows, place, cut_short=len(rows) == ROWS and place != asked)
        return f"**{one_line(sheet.title)}**, {one_line(place.tab)}:\n{table}"

    def _add(self, service: Service, argument: str) -> str:
        sheet = self._chosen(service)
        row = read_row(argument)
        place, cells = self._sheets(service).append(sheet, row)
        if not cells:
            raise SheetsRefused(f"Google Sheets does not show what was added. {CHECK_FIRST}")
        where = f"**{one_line(sheet.title)}** at **{one_line(str(place), LONGEST_TITLE)}**"
        return f"Added to {where}:\n{draw_answer([cells], place)}"

    def _set(self, service: Service, argument: str) -> str:
        sheet = self._chosen(service)
        cell, written = split_cell(argument)
        if not cell:
            raise InvalidInput("Which cell, and what shall I write? Say **sheet set B2 value**.")
        place = read_cell(cell, sheet.tab)
        if written is None:
            shown = one_line(cell, LONGEST_TITLE)
            raise InvalidInput(
                f"What shall I write? Say **sheet set {shown} value**, "
                f'or **sheet set {shown} ""** to empty the cell.'
            )
        value = "" if written in ('""', "“”") else read_value(written)
        place, cells = self._sheets(service).write(sheet, place, value)
        where = f"**{one_line(str(place), LONGEST_TITLE)}** of **{one_line(sheet.title)}**"
        if not any(cells):
            return f"{where} is empty now."
        return f"{where} is now:\n{draw_cell(cells[0])}"

    def _chosen(self, service: Service) -> Sheet:
        sheet = _sheet_of(service)
        if sheet is None:
            raise InvalidInput("No spreadsheet is chosen yet. Say **sheet use LINK** first.")
        return sheet

    def _sheets(self, service: Service) -> SheetsApi:
        account = str(service.account.get("name", "your account"))
        return SheetsApi(lambda: self.api(service), account)


def _sheet_of(service: Service) -> Sheet | None:
    """Return the choice that is kept with a connection, if it can be read."""
    kept = (service.data or {}).get("sheet")
    values = [kept.get(name) for name in ("id", "title", "tab")] if isinstance(kept, dict) else []
    return Sheet(*map(str, values)) if values and all(values) else None
