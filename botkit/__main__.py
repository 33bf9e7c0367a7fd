"""The command line: python -m botkit demo

`demo` takes the whole trip in the terminal; `demo --open` keeps the practice world running for a
person with a browser.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
from collections.abc import Sequence
from typing import Any

from botkit.errors import BotkitError
from botkit.kit import Kit, start
from botkit.labels import RedactingFilter
from botkit.settings import Settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m botkit", description="The botkit teaching kit."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    demo_parser = commands.add_parser("demo", help="take the whole trip, in this terminal")
    demo_parser.add_argument(
        "--open", action="store_true", help="keep the practice world running for a browser"
    )
    demo_parser.add_argument(
        "--port", type=int, default=0, help="the bot's port (default: a free one)"
    )
    chosen = parser.parse_args(arguments)
    try:
        return keep_open(chosen.port) if chosen.open else demo(chosen.port)
    except BotkitError as error:
        print(f"{error} {error.advice}", file=sys.stderr)
        return 1


def demo(port: int) -> int:
    """Alice asks for her profile, follows the link, approves, and asks again."""
    kit = start(Settings(practice=True, port=port))
    _tell("Alice asks the bot for her GitHub profile.", kit.alice.say("profile"))
    page = kit.alice.browser.visit(kit.alice.link)
    _tell("She follows the link. GitHub asks her:", page)
    _tell("She presses Approve. GitHub sends her browser back to the bot:", page.approve())
    _tell("In the chat, the bot says so.", kit.alice.reads())
    _tell("She asks again.", kit.alice.say("profile"))
    _tell("Every message of the trip, with a label for each secret:", kit.trace.diagram().text)
    kit.close()
    return 0


def _write_log(kit: Kit) -> None:
    handler = logging.StreamHandler()
    handler.addFilter(RedactingFilter(kit.labels))
    logging.getLogger("botkit").addHandler(handler)


def _tell(sentence: str, shown: Any) -> None:
    print(f"── {sentence}\n", *(f"   {line}" for line in str(shown).splitlines()), "", sep="\n")


def keep_open(port: int) -> int:
    """Run until Ctrl-C; a person takes the trip in a browser."""
    kit = start(Settings(practice=True, port=port))
    _write_log(kit)
    done = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: done.set())
    print(f"The practice chat: {kit.chat_page}\nSay profile to the bot there. Ctrl-C ends it.")
    sys.stdout.flush()
    while not done.wait(0.5):  # in pieces, for on Windows a plain wait does not hear Ctrl-C
        pass
    kit.close()
    print("Stopped.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
