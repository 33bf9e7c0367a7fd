"""Answer people in the chat: one file for each skill, or one folder.

The skills see every event of the chat in order, and learn whether an earlier skill has handled it.
Start with `github.py`, which is the shortest, then read `base.py`: it has what all skills have in
common, such as to connect an account.  `confirm.py` is always the first skill, and `help.py` the
last: it answers what no other skill understood.

Not here: how a message reaches the skills (`botkit.bot.webhook`).
"""

from __future__ import annotations

from botkit.skills.account import AccountSkill
from botkit.skills.base import ServiceSkill, Skill, run_skills
from botkit.skills.confirm import Confirmation, connected_job, hold_callback
from botkit.skills.drive.skill import GoogleDriveSkill
from botkit.skills.github import GitHubSkill
from botkit.skills.help import VERBS, HelpSkill
from botkit.skills.ringcentral.skill import AssistantSkill
from botkit.skills.sheets.skill import GoogleSheetsSkill

__all__ = [
    "VERBS",
    "AccountSkill",
    "AssistantSkill",
    "Confirmation",
    "GitHubSkill",
    "GoogleDriveSkill",
    "GoogleSheetsSkill",
    "HelpSkill",
    "ServiceSkill",
    "Skill",
    "connected_job",
    "hold_callback",
    "run_skills",
]
