"""Configure gunicorn for the bot: several processes, each with threads.

    gunicorn -c python:botkit.run.gunicorn --bind 127.0.0.1:8090 'botkit.run.serve:app()'

The names in lower case are gunicorn's settings, and an option on the command line counts more.
`--preload` and `--access-logfile -` are fine.  After an update, start gunicorn again, because the
signal HUP keeps the code that was loaded.  What cannot work is refused with a sentence before
anything runs: see `refusal`.

Not here: the app (`serve.py`), and how the threads are shared (`botkit.bot.places`).
Source: docs.gunicorn.org, "Settings".
"""

from __future__ import annotations

import logging
import os
import re
import sys
from typing import Any

from gunicorn.glogging import Logger  # type: ignore[import-untyped]

from botkit.bot import FEWEST_THREADS
from botkit.errors import BotkitError
from botkit.run.serve import ServedBot, want_everything
from botkit.settings import Settings, load_settings
from botkit.storage import is_in_memory
from botkit.trace import Labels, RedactingFilter

workers = int(os.environ.get("WEB_CONCURRENCY", "2"))  # gunicorn has refused what is no number
worker_class = "gthread"
threads = 24  # two processes have 32 places for people who connect: a class of thirty
worker_connections = 500
timeout = 60  # seconds without a sign of life from a process
graceful_timeout = 25  # seconds for what is under way at the end; others kill after 30
keepalive = 15  # seconds
limit_request_fields = 50
forwarder_headers = ""  # through a tunnel anyone could send SCRIPT_NAME, and move every path
secure_scheme_headers: dict[str, str] = {}  # nothing here asks for the scheme
control_socket_disable = True  # it would be a thread in the process that forks


# ---- what cannot work --------------------------------------------------------------------------


def refusal(settings: Settings, config: Any) -> str:
    """Return two sentences if the bot cannot work with gunicorn's `config`; "" if it can."""
    try:
        want_everything(settings)
    except BotkitError as error:
        return f"{error} {error.advice_at_terminal}"
    kind = config.worker_class_str
    if kind != "gthread":
        return (
            f"The bot needs workers with threads, and these are of the class {kind}. "
            "Leave out --worker-class, or set it to gthread."
        )
    if config.threads < FEWEST_THREADS:
        return (
            f"With {config.threads} threads the chat would have to wait for people who connect. "
            f"Set --threads to {FEWEST_THREADS} or more."
        )
    if config.workers < 1:
        return "Without a process nobody would answer. Set --workers to 1 or more."
    if config.workers > 1 and settings.database and is_in_memory(settings.database):
        return (
            "Several processes cannot share a database in memory. Set "
            "RINGCENTRAL_CHATBOT_DATABASE_CONNECTION_URI to a file or a server, or set "
            "--workers to 1."
        )
    return ""


def on_starting(server: Any) -> None:
    """End with a sentence before the first process is started, if the bot cannot work."""
    try:
        sentences = refusal(load_settings(), server.cfg)
    except BotkitError as error:
        sentences = f"{error} {error.advice_at_terminal}"
    if sentences:
        sys.exit(sentences)


def post_worker_init(worker: Any) -> None:
    """Start the bot's own work in a new process, before its first request."""
    if isinstance(worker.wsgi, ServedBot):
        worker.wsgi.start(threads=worker.cfg.threads)


# ---- what is logged ----------------------------------------------------------------------------

# In a value a query ends with the address.  In a sentence nobody knows where it ends: a quote, or
# even a space, may be a part of it.
QUERY = re.compile(r"\?\S+")
QUERY_AND_REST = re.compile(r"\?(?=\S).*")
# Headers that may be logged, if the format of the access log names them.
HARMLESS = ("host", "user-agent", "content-length", "content-type", "x-request-id")
FORWARDED = ("x-forwarded-for", "x-forwarded-proto", "x-forwarded-host")


class RedactingLogger(Logger):  # type: ignore[misc]
    """gunicorn's logs without the query of an address: in a callback it holds code and state."""

    def setup(self, cfg: Any) -> None:
        """Add the filter to every place to which gunicorn logs."""
        super().setup(cfg)
        for logger in self.error_log, self.access_log:
            for handler in logger.handlers:
                if not any(isinstance(one, _WithoutSecrets) for one in handler.filters):
                    handler.addFilter(_WithoutSecrets())

    def atoms(self, resp: Any, req: Any, environ: Any, request_time: Any) -> dict[str, Any]:
        """Return what a line of the access log can be made of."""
        atoms = super().atoms(resp, req, environ, request_time)
        return {
            name: value if isinstance(value, int) else QUERY.sub("", str(value))
            for name, value in atoms.items()
            if name != "q" and (not name.startswith("{") or name[1:-2] in HARMLESS + FORWARDED)
        }


class _WithoutSecrets(logging.Filter):
    """Redact a record, and remember nothing of it."""

    def filter(self, record: logging.LogRecord) -> bool:
        RedactingFilter(Labels()).filter(record)
        record.msg = QUERY_AND_REST.sub("?…", str(record.msg))
        record.exc_text = record.exc_text and QUERY_AND_REST.sub("?…", record.exc_text)
        return True


logger_class = RedactingLogger
