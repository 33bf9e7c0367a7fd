"""Open the view in a browser on this computer, if it has a screen."""

from __future__ import annotations

import os
import sys
import threading
import webbrowser
from contextlib import suppress
from typing import Any

IN_THE_TERMINAL = ("browsh", "elinks", "links", "lynx", "w3m", "www-browser")


def open_in_browser(url: str) -> bool:
    """Open `url` in a window of the system's browser, or of the one in BROWSER.

    Return whether one was asked.  None is asked without a screen, and none that would take over
    this terminal.  Never raises and never waits.
    """
    try:
        browser = webbrowser.get() if _has_screen() else None
    except webbrowser.Error:  # there is none
        return False
    if browser is None or os.path.basename(getattr(browser, "name", "")) in IN_THE_TERMINAL:
        return False
    # Some kinds of browsers are waited for until they end.
    threading.Thread(target=_open, args=(browser, url), daemon=True).start()
    return True


def _open(browser: Any, url: str) -> None:
    with suppress(Exception):  # a browser on an unknown computer may raise anything
        browser.open(url, new=1)


def _has_screen() -> bool:
    """Return whether this computer has a screen.

    Windows and macOS have one; elsewhere a variable names it.
    """
    if sys.platform in ("win32", "darwin", "cygwin"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))
