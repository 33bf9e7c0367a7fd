"""Open a tunnel, so that a chat and a browser elsewhere reach the bot.

Start with `open_tunnel`.  A callback and a webhook come from outside, so the bot needs an address
that outside can reach.  ngrok provides one: its agent, a program on this computer, has a connection
to ngrok's cloud and forwards requests from there to a local port.  botkit starts and stops the
agent through pyngrok.  In the practice world the agent is a practice program; nothing else differs.

What this module adds to pyngrok:

- nothing is downloaded without an authtoken, that is, unless the user chose ngrok;
- an agent that does not answer is ended at a deadline (pyngrok would wait forever);
- the agent's messages, which may contain the authtoken, are not logged, printed or raised;
- the user's own ngrok configuration is neither read nor changed.
"""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from botkit.errors import TunnelError
from botkit.run.folder import temporary_folder

if TYPE_CHECKING:
    from pyngrok.conf import PyngrokConfig

TOKEN_PAGE = "https://dashboard.ngrok.com/get-started/your-authtoken"

# pyngrok has its state in module globals, so only one thread at a time may use it.  One agent
# serves all tunnels of a process: a free account may not run many agents (ERR_NGROK_108).
_turn = threading.Lock()


class Tunnel:
    """An open tunnel: requests to `public_url` arrive at the local port."""

    def __init__(self, public_url: str, ngrok_path: str) -> None:
        self.public_url = public_url
        self._ngrok_path = ngrok_path
        self._open = True

    @property
    def is_alive(self) -> bool:
        """Whether the agent, which holds the connection, still runs."""
        agent = _agent(self._ngrok_path)
        return agent is not None and agent.poll() is None

    def close(self) -> None:
        """Close the tunnel, and end the agent if this was its last one.

        Never raises.  Calling it again does no harm.
        """
        from pyngrok import ngrok, process

        with _turn:
            if not self._open:
                return
            self._open = still_used = False
            if not process.is_process_running(self._ngrok_path):
                return  # otherwise pyngrok would start an agent to close its tunnel
            with _private_config(Path(self._ngrok_path)) as config:
                with suppress(Exception):
                    ngrok.disconnect(self.public_url, config)
                with suppress(Exception):
                    still_used = bool(ngrok.get_tunnels(config))
            if not still_used:
                _end_agent(self._ngrok_path)

    def __repr__(self) -> str:
        return f"<Tunnel {'open' if self._open else 'closed'}>"


def open_tunnel(
    port: int,
    *,
    ngrok_path: Path | None = None,
    authtoken: str | None = None,
    fixed_url: str | None = None,
    deadline: float = 20.0,
) -> Tunnel:
    """Make the local `port` reachable from outside and return the `Tunnel`.

    `ngrok_path` is the agent's program; by default the one that pyngrok manages.  `authtoken` is
    the account's, from https://dashboard.ngrok.com/get-started/your-authtoken.  Only with it, a
    missing program is downloaded; that time is not part of the deadline.  `fixed_url` is an address
    of the account, such as https://NAME.ngrok-free.dev; without it ngrok chooses one.  `deadline`
    is how many seconds the agent may take to start.

    Raises `TunnelError`.
    """
    with _turn, _private_config(ngrok_path, authtoken, deadline) as config:
        _have_program(config, authtoken)
        options: dict[str, Any] = {"url": fixed_url} if fixed_url else {}
        # 127.0.0.1, because "localhost" may mean ::1, where no server of botkit listens.
        options.update(addr=f"http://127.0.0.1:{port}", name=f"botkit-{secrets.token_hex(8)}")
        return Tunnel(_connect(config, options, deadline), config.ngrok_path)


@contextmanager
def _private_config(
    ngrok_path: Path | None, authtoken: str | None = None, patience: float = 8.0
) -> Iterator[PyngrokConfig]:
    """Yield settings for pyngrok that last as long as the `with` block.

    The agent reads them when it starts.  The authtoken goes into a file that only its owner can
    read.  pyngrok would put it on the command line, which every user of the computer can see.
    """
    from pyngrok.conf import PyngrokConfig

    with temporary_folder() as folder:
        path = folder / "ngrok.yml"
        agent = {"agent": {"authtoken": authtoken}} if authtoken else {}
        path.write_text(json.dumps({"version": "3", **agent}), encoding="utf-8")  # JSON is YAML
        config = PyngrokConfig(
            ngrok_path=str(ngrok_path) if ngrok_path else None,
            config_path=str(path),
            monitor_thread=False,  # `_drain` reads the agent's output
            startup_timeout=int(patience)
            + 1,  # counts only while the agent writes; `_connect` has the deadline
            request_timeout=patience / 2,
            start_new_session=os.name == "posix",  # interrupting a cell must not end the agent
        )
        config.auth_token = None  # nor the environment's
        yield config


def _have_program(config: PyngrokConfig, authtoken: str | None) -> None:
    """Download ngrok if it is missing and there is an authtoken."""
    if os.path.exists(config.ngrok_path):
        return
    if not authtoken:
        raise TunnelError(
            "The ngrok program is not on this computer, and nothing is downloaded unasked.",
            advice=f"Set NGROK_AUTHTOKEN ({TOKEN_PAGE}), or stay in the practice world.",
        )
    from pyngrok import installer, ngrok
    from pyngrok.exception import PyngrokError

    installer._print_progress_enabled = False
    with suppress(PyngrokError, OSError):
        return ngrok.install_ngrok(config)
    raise TunnelError(
        "The ngrok program could not be downloaded.",
        advice="Check the network connection; a proxy or a virus scanner may block bin.ngrok.com.",
    )


def _connect(config: PyngrokConfig, options: dict[str, Any], deadline: float) -> str:
    """Let pyngrok connect, and return the public address.

    pyngrok runs in a thread, so that the wait can end.  Raises `TunnelError`.
    """
    from pyngrok import ngrok, process

    logging.getLogger(f"{process.__name__}.ngrok").disabled = True  # the agent's own messages
    was_running = process.is_process_running(config.ngrok_path)
    result: list[str] = []
    trouble: list[Exception] = []

    def connect() -> None:
        try:
            result.append(str(ngrok.connect(pyngrok_config=config, **options).public_url))
        except Exception as error:
            trouble.append(error)

    worker = threading.Thread(target=connect, daemon=True)
    worker.start()
    try:
        worker.join(deadline)
    finally:  # also when the user interrupts the cell
        late, opened = worker.is_alive(), bool(result)
        if not opened:
            _give_up(worker, config.ngrok_path, end_agent=not was_running)
    if not opened:
        raise explain(trouble[0] if trouble else None, late)
    agent = _agent(config.ngrok_path)
    if agent and agent.stdout and not was_running:
        threading.Thread(target=_drain, args=(agent.stdout,), daemon=True).start()
    return result[0]


def _give_up(worker: threading.Thread, ngrok_path: str, *, end_agent: bool) -> None:
    """End the agent that the worker waits for.

    Then the worker also ends, and its error says why.
    """
    for _ in range(50):  # the agent may start only after the first try to end it
        finished = not worker.is_alive()
        if end_agent:
            _end_agent(ngrok_path)
        if finished:
            break
        worker.join(0.1)


def _agent(ngrok_path: str) -> subprocess.Popen[str] | None:
    """Return the agent's process, also while it starts.

    pyngrok's public functions would wait for it.
    """
    from pyngrok import process

    running = process._current_processes.get(ngrok_path)
    return running.proc if running else None


def _end_agent(ngrok_path: str) -> None:
    if agent := _agent(ngrok_path):
        agent.kill()
        agent.wait()


def _drain(output: IO[str]) -> None:
    """Read what the agent writes, and drop it.

    With a full pipe the agent would stop working.
    """
    with output:
        while os.read(output.fileno(), 4096):
            pass


# ---- why no tunnel opened ------------------------------------------------------------------------


_BAD_TOKEN = (
    "ngrok does not accept this authtoken.",
    f"It may be cut off or have been reset: copy the whole of it from {TOKEN_PAGE}.",
)

_KNOWN = {  # https://ngrok.com/docs/errors: what happened, and what to do
    "ERR_NGROK_105": _BAD_TOKEN,
    "ERR_NGROK_107": _BAD_TOKEN,
    "ERR_NGROK_334": (
        "This public address is in use already.",
        "Close the other tunnel that uses it (perhaps in another notebook), or choose another.",
    ),
    "ERR_NGROK_4018": (
        "ngrok wants to know whose tunnel this is, and got no authtoken.",
        f"Make a free account, copy the authtoken from {TOKEN_PAGE} and set NGROK_AUTHTOKEN.",
    ),
}


def explain(error: Exception | None, late: bool) -> TunnelError:
    """Return a `TunnelError` for an error of pyngrok.

    Its own text may contain the authtoken and is left out.  Source: https://ngrok.com/docs/errors.
    """
    from pyngrok.exception import PyngrokNgrokHTTPError, PyngrokNgrokURLError

    said = getattr(error, "ngrok_error", None) or getattr(error, "body", None) or ""
    code = re.search(r"ERR_NGROK_\d+", said)
    if code:
        page = f"https://ngrok.com/docs/errors/{code[0].lower()}"
        unknown = ("ngrok refused to open the tunnel.", f"{page} says what it means.")
        happened, advice = _KNOWN.get(code[0], unknown)
        return TunnelError(f"{happened} ({code[0]})", advice=advice)
    if isinstance(error, PyngrokNgrokHTTPError):
        happened = "The ngrok agent refused to open this tunnel."
        advice = "Check the address that you asked for. If it is right, update ngrok."
    elif said:
        happened = "The ngrok agent cannot reach ngrok."
        advice = "Check the network connection; a firewall or a proxy may block the agent."
    elif late or isinstance(error, PyngrokNgrokURLError):
        happened = "The ngrok agent did not answer in time."
        advice = "Try again. If it happens again, look whether a virus scanner stops ngrok."
    else:
        happened = "The ngrok program could not be started."
        advice = "Check that the path leads to ngrok, and that you may execute it."
    return TunnelError(happened, advice=advice)
