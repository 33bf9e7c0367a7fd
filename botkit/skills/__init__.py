"""Answer people in the chat: one file for each skill, or one folder.

The skills see every event of the chat in order, and learn whether an earlier skill has handled it.
Start with `github.py`, which is the shortest.  Then read `skill.py`: in a `Skill` each command is a
method, which returns what to say.  `call.py` has what such a method gets, and `base.py` what all
skills have in common, such as to connect an account.  `confirm.py` is always the first in the list,
and `help.py` the last: it answers what no skill understood.

Not here: how a message reaches the skills (`botkit.bot.webhook`).
"""

from __future__ import annotations

from botkit.skills.account import AccountSkill
from botkit.skills.base import EventHandler, ServiceSkill, run_skills
from botkit.skills.call import Call
from botkit.skills.confirm import Confirmation, connected_job, hold_callback
from botkit.skills.drive.skill import GoogleDriveSkill
from botkit.skills.github import GitHubSkill
from botkit.skills.help import VERBS, HelpSkill
from botkit.skills.ringcentral.skill import AssistantSkill
from botkit.skills.sheets.skill import GoogleSheetsSkill
from botkit.skills.skill import NotAText, Skill, command

__all__ = [
    "VERBS",
    "AccountSkill",
    "AssistantSkill",
    "Call",
    "Confirmation",
    "EventHandler",
    "GitHubSkill",
    "GoogleDriveSkill",
    "GoogleSheetsSkill",
    "HelpSkill",
    "NotAText",
    "ServiceSkill",
    "Skill",
    "command",
    "connected_job",
    "hold_callback",
    "run_skills",
]
