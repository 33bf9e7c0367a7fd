"""Say what the bot can do: one file a skill, or one folder.

A skill sees every event of the chat, in turn, and learns whether an earlier skill has handled it.
Start with `github.py`, which is the shortest, then read `base.py`: it has what all skills do alike,
such as to connect an account and to end a connection.  `confirm.py` comes first in every turn, and
`help.py` last: it greets, helps, and answers what no other skill understood.
"""

from __future__ import annotations

from botkit.skills.account import AccountSkill
from botkit.skills.base import ServiceSkill, Skill, run_skills
from botkit.skills.confirm import WAIT_SECONDS, Confirmation, hold_callback
from botkit.skills.drive.skill import GoogleDriveSkill
from botkit.skills.github import GitHubSkill
from botkit.skills.help import VERBS, HelpSkill
from botkit.skills.ringcentral.skill import AssistantSkill
from botkit.skills.sheets.skill import GoogleSheetsSkill

__all__ = [
    "VERBS",
    "WAIT_SECONDS",
    "AccountSkill",
    "AssistantSkill",
    "Confirmation",
    "GitHubSkill",
    "GoogleDriveSkill",
    "GoogleSheetsSkill",
    "HelpSkill",
    "ServiceSkill",
    "Skill",
    "hold_callback",
    "run_skills",
]
