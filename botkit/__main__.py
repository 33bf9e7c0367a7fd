"""The command line: python -m botkit demo|serve|doctor|setup-database|maintain|status|new-key|...

`demo` takes the whole trip in the terminal; `demo --open` shows it in a browser, to a person or to
a room.  The other commands are for a bot that lives: they read the settings.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from getpass import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botkit.errors import BotkitError, ChatError
from botkit.version import __version__

if TYPE_CHECKING:
    from botkit.bot import Bot

NUMBER = "its number, as status shows it"
WITHOUT_IT = "Keep a copy elsewhere: without it nobody can read what the bot has stored."
KEEP_IT = (
    "Keep it as you keep a password: without it nobody can read what the bot has stored. If you "
    "have one already, put the new one before it, with a comma between, and run: "
    "python -m botkit rotate-key"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return the exit status: 0, or 1 after a sentence that says what is wrong."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # what a pipe's encoding has no sign for
            stream.reconfigure(errors="replace")
    chosen = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = chosen.run
    try:
        status = run(chosen)
        sys.stdout.flush()
        return status
    except BotkitError as error:
        print(f"{error} {error.advice_at_terminal}", file=sys.stderr)
        return 1
    except (ImportError, AttributeError):
        from botkit.hiding import hiding_file, what_it_hides

        if not (path := hiding_file()):
            raise
        print(f"{what_it_hides(path)} Give it another name.", file=sys.stderr)
        return 1
    except BrokenPipeError:  # who reads our output, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what Python has left
        return 1


def _number(text: str) -> int:
    """Return the number of a connection.  Raises `ValueError`, which argparse explains."""
    number = int(text) if len(text) <= 9 else 0
    if number < 1:
        raise ValueError
    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m botkit", description="The botkit teaching kit."
    )
    parser.add_argument("--version", action="version", version=f"botkit {__version__}")
    commands = parser.add_subparsers(required=True, metavar="command")

    def add(name: str, run: Callable[[argparse.Namespace], int], what: str) -> Any:
        command = commands.add_parser(name, help=what, description=f"{what[0].upper()}{what[1:]}.")
        command.set_defaults(run=run)
        return command

    command = add("demo", demo, "take the whole trip, in this terminal")
    show = "show it in a browser, one arrow for each press of a key, until Ctrl-C"
    command.add_argument("--open", action="store_true", help=show)
    port = "the bot's port, or with --open the view's (default: a free one)"
    command.add_argument("--port", type=int, default=0, help=port)
    command = add("new", new, "make a folder with a bot of your own")
    command.add_argument("name", metavar="NAME", help="of the folder and the module, such as mybot")
    of = "of a service that publishes its addresses (default: the bot is for GitHub)"
    command.add_argument("--issuer", metavar="URL", default="", help=of)
    command = add("discover", discover, "ask a service for its addresses, and describe it in code")
    command.add_argument("issuer", metavar="ISSUER", help="such as https://gitlab.com")
    command = add(
        "check-provider", check_provider, "test the description of a service, line by line"
    )
    what = "module:function, such as mybot:gitlab, or the address of an issuer"
    command.add_argument("description", metavar="DESCRIPTION", help=what)
    live = "try the real service, with you at the browser (default: a practice service)"
    command.add_argument("--live", action="store_true", help=live)
    uri = "the callback URL that is registered there (with --live)"
    command.add_argument("--redirect-uri", metavar="URL", default="", help=uri)
    add("serve", serve, "run the bot until Ctrl-C; what the settings leave empty is practice")
    command = add("doctor", doctor, "say whether all is ready, and what to do where it is not")
    command.add_argument("--json", action="store_true", help="for a program to read")
    command = add("setup-database", setup_database, "make or complete the tables")
    where = "an SQLAlchemy URL (default: as the settings say)"
    command.add_argument("url", nargs="?", metavar="URL", help=where)
    add("maintain", maintain, "renew what expires and remove what is dead; for cron")
    command = add("status", status, "show what is connected and how it is")
    command.add_argument("--json", action="store_true", help="for a program to read")
    command.add_argument("--all", action="store_true", help="every connection, however many")
    command = add("update-token", update_token, "take a new token of a bot from standard input")
    command.add_argument("bot_id", metavar="BOT_ID", help="the bot's id, as status shows it")
    command = add("remove-bot", remove_bot, "end a bot's connections, and remove it from here")
    command.add_argument("bot_id", metavar="BOT_ID", help="the bot's id, as status shows it")
    command = add("hand-over", hand_over, "give a connection without a person to its person")
    command.add_argument("connection", type=_number, metavar="CONNECTION", help=NUMBER)
    command.add_argument("person", metavar="PERSON", help="the person's id in RingCentral")
    command = add("end-connection", end_connection, "end a connection, here and at its service")
    command.add_argument("connection", type=_number, metavar="CONNECTION", help=NUMBER)
    command = add("new-key", new_key, "make a key that seals the tokens, and print it")
    where = "add it to the file .env in this folder, which only you can read then"
    command.add_argument("--write", action="store_true", help=where)
    add("rotate-key", rotate_key, "seal everything in the database with the newest key")
    return parser


# ---- for learning ------------------------------------------------------------------------------


def demo(chosen: argparse.Namespace) -> int:
    """Alice asks for something, follows the link, approves, and asks again.

    That is her profile, or the first command of the bot of your own that the settings name.
    """
    if chosen.open:
        return _present(chosen.port)
    from botkit.lessons.kit import start
    from botkit.settings import PLACE_OF, practice_settings, wanted_skills

    own = tuple(name for name in wanted_skills(os.environ) if name not in PLACE_OF)
    settings = practice_settings()
    kit = start(replace(settings, port=chosen.port, skills=own or settings.skills))
    skill = kit.bot.added[0]
    said = next((one for one in skill.commands if one == one.lower()), "help")
    talk = kit.alice.say(said)
    _tell(f"Alice says {said}.", talk)
    if skill.connects:
        if "](" not in talk.text:  # what she said needs no connection
            _tell(f"She says {skill.words[0]}.", kit.alice.say(skill.words[0]))
        page = kit.alice.browser.visit(kit.alice.link)
        _tell(f"She follows the link. {skill.title} asks her:", page)
        page = page.approve()
        _tell(f"She presses Approve. {skill.title} sends her browser back to the bot:", page)
        _tell("She says the code in the chat, so it was she who asked.", kit.alice.confirm(page))
        _tell(f"She says {said} again.", kit.alice.say(said))
    _tell("Every message of the trip, with a label for each secret:", kit.trace.diagram().text)
    kit.close()
    return 0


def _tell(sentence: str, shown: Any) -> None:
    print(f"── {sentence}\n", *(f"   {line}" for line in str(shown).splitlines()), "", sep="\n")


KEYS = (
    "Space, → or PageDown takes the next step, F lets everything flow (and F again stops it), "
    "R begins again."
)


def _present(port: int) -> int:
    """Run until Ctrl-C; somebody shows the trip in a browser, arrow by arrow, or takes it alone."""
    from botkit.lessons.presenter.screen import open_in_browser
    from botkit.lessons.presenter.view import View
    from botkit.run.serve import TICK, say, stop_signal, write_log
    from botkit.settings import PLACE_OF, practice_settings

    stopped = stop_signal()
    settings = replace(practice_settings(), port=port, skills=tuple(PLACE_OF))
    write_log(settings)
    with closing(View(settings)) as view:
        say(f"The presenter's view: {view.url}/", KEYS)
        say(f"The practice chat: {view.kit.chat_page}", "Say help to the bot there.")
        say("Ctrl-C ends it.")
        open_in_browser(f"{view.url}/")
        while not stopped(TICK):
            pass
    say("Stopped.")
    return 0


def new(chosen: argparse.Namespace) -> int:
    from botkit.run.new import make_folder

    files = make_folder(chosen.name, chosen.issuer)
    print(*files, sep="\n")
    print(f"\nTry it:\n    cd {chosen.name}\n    pytest")
    return 0


def discover(chosen: argparse.Namespace) -> int:
    from botkit.run.discover import describe_issuer

    print(describe_issuer(chosen.issuer))
    return 0


PLAYED = (
    "A practice service plays what is described. So this shows whether the fields fit together.\n"
    "Whether the real service is like that, only --live can show.\n"
)


def check_provider(chosen: argparse.Namespace) -> int:
    from botkit.lessons import check_provider

    if chosen.live:
        report = check_provider.with_person(chosen.description, chosen.redirect_uri)
    else:
        report = check_provider.in_practice(chosen.description)
        print(PLAYED)
    print(report)
    return 0 if report.kept else 1


# ---- for a bot that lives ----------------------------------------------------------------------


def serve(_chosen: argparse.Namespace) -> int:
    from botkit.run import serve
    from botkit.settings import load_settings

    serve.serve(load_settings())
    return 0


def doctor(chosen: argparse.Namespace) -> int:
    from botkit.run.doctor import run

    return run(as_json=chosen.json)


def setup_database(chosen: argparse.Namespace) -> int:
    from botkit.bot import DATABASE
    from botkit.run.status import personal_names, without_person
    from botkit.settings import load_settings, wanted_skills
    from botkit.storage import Storage

    personal = personal_names(wanted_skills(os.environ))
    with closing(Storage(chosen.url or load_settings().database or DATABASE)) as storage:
        done = storage.set_up()
        if count := storage.count_without_person(personal):
            done.append(without_person(count))
    print(*done or ["Nothing to do."], sep="\n")
    return 0


def maintain(_chosen: argparse.Namespace) -> int:
    from botkit.run import maintenance

    with _bot() as bot:
        print(*maintenance.maintain(bot) or ["Nothing to do."], sep="\n")
    return 0


def status(chosen: argparse.Namespace) -> int:
    from botkit.run.status import MOST_SHOWN, status

    with _bot() as bot:
        found = status(bot, most=None if chosen.all else MOST_SHOWN)
    print(json.dumps(found, indent=2, default=str) if chosen.json else found)
    return 0


def update_token(chosen: argparse.Namespace) -> int:
    """Take the token from standard input, for other people can read a command's arguments."""
    from botkit.chat import not_here

    with _bot() as bot:
        if bot.storage.find_bot(chosen.bot_id) is None:
            raise not_here(chosen.bot_id)
        bot.installation.update_token(chosen.bot_id, _read_secret(f"Token of bot {chosen.bot_id}"))
        print(f"Bot {chosen.bot_id} has its new token.")
        try:
            bot.installation.ensure(chosen.bot_id)
        except ChatError as error:  # a bot that runs with serve looks after it, too
            why = f"{error} {error.advice_at_terminal}"
            print(f"It has no new subscription yet. {why}", file=sys.stderr)
            return 1
        print("It has a new subscription.")
    return 0


def _read_secret(question: str) -> str:
    """Return a line of standard input; a person at a terminal is asked, and sees no echo."""
    if sys.stdin.isatty():
        return getpass(f"{question}: ").strip()
    return sys.stdin.readline().strip()


def remove_bot(chosen: argparse.Namespace) -> int:
    from botkit.run import administration

    with _bot() as bot:
        print(*administration.remove_bot(bot, chosen.bot_id), sep="\n")
    return 0


def hand_over(chosen: argparse.Namespace) -> int:
    from botkit.run import administration

    with _bot() as bot:
        print(*administration.hand_over(bot, chosen.connection, chosen.person), sep="\n")
    return 0


def end_connection(chosen: argparse.Namespace) -> int:
    from botkit.run import administration

    with _bot() as bot:
        print(*administration.end_connection(bot, chosen.connection), sep="\n")
    return 0


def new_key(chosen: argparse.Namespace) -> int:
    from botkit.bot import DATABASE, write_new_key
    from botkit.settings import SECRET_KEY, database_setting
    from botkit.storage import new_key

    if chosen.write:
        beside = write_new_key(Path(".env"), database_setting() or DATABASE)
        print("A new key is in the file .env, which only you can read.", WITHOUT_IT)
        if beside:
            print(f"The key from {beside.name} is behind it, for what practice has stored.")
        return 0
    print(f"{SECRET_KEY}={new_key()}")
    print(KEEP_IT, file=sys.stderr)
    return 0


def rotate_key(_chosen: argparse.Namespace) -> int:
    from botkit.bot import DATABASE, missing_key
    from botkit.settings import load_settings
    from botkit.storage import Seal, Storage

    settings = load_settings()
    if not settings.secret_keys:
        raise missing_key()
    seal = Seal(settings.secret_keys)
    with closing(Storage(settings.database or DATABASE, seal=seal)) as storage:
        storage.set_up()
        count = sum(1 for _ in storage.reseal())
    print(f"Sealed {'1 row' if count == 1 else f'{count} rows'} with the newest key.")
    return 0


@contextmanager
def _bot() -> Iterator[Bot]:
    """The bot of the settings, beside the one that serves."""
    from botkit.bot import Bot
    from botkit.run.address import choose_address, find_browser_address
    from botkit.run.serve import PORT
    from botkit.settings import load_settings

    settings = load_settings()
    reach = find_browser_address(settings, os.environ)
    chosen = choose_address(settings, reach, settings.port or PORT)
    with closing(Bot(settings)) as bot:
        # Without one of its own, what RingCentral delivers to already stays as it is.
        bot.address = chosen.url or "" if chosen.source != "loopback" else ""
        yield bot


if __name__ == "__main__":
    sys.exit(main())
