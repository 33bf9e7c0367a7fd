"""The one kit that runs in a process: a notebook that starts another one replaces it.

So one call resets everything, between two demos or after a lesson has gone astray: the new kit has
a new database, people who have said nothing, services that know nobody, and labels from 1.  It
takes over the ports of the former one, so that a page that is open in a browser goes on.
"""

from __future__ import annotations

import atexit

from botkit.lessons.kit import PRACTICE, Kit
from botkit.run.address import Reach
from botkit.settings import Settings

_running: list[Kit] = []
_ports: dict[str, int] = {}  # of the newest kit that ran


def start(settings: Settings = PRACTICE, *, reach: Reach | None = None) -> Kit:
    """Start the kit; one that runs already in this process is closed first.  See `Kit`."""
    stop()
    _running.append(Kit(settings, reach=reach, ports=_ports))
    return _running[0]


@atexit.register
def stop() -> None:
    """Stop the kit that runs, if there is one."""
    while _running:
        kit = _running.pop()
        _ports.update(kit.world.ports, bot=kit.server.port)
        kit.close()
