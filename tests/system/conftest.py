"""What the tests of the whole system share: a town, and bots under gunicorn in it."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from faults_world import Town, next_worker
from missing import left_out
from serve_world import BotProcess, ServeAt, answers, wait_until

# gunicorn's own process imports what its workers need, so that a new one is there at once.
PRELOADED = """
import botkit.bot, botkit.run.gunicorn, psycopg, waitress

def post_worker_init(worker):
    botkit.run.gunicorn.post_worker_init(worker)  # as botkit's own configuration does
    print("A worker is there:", worker.pid, flush=True)
"""


@pytest.fixture
def town(monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    """A practice GitHub and a practice chat, full of people."""
    # All of them are Alice at GitHub, which would end her oldest tokens.
    monkeypatch.setattr("botkit.practice.github.ledger.TOKENS_PER_GRANT", 10_000)
    town = Town()
    yield town
    town.close()


@pytest.fixture
def gunicorn(serve: ServeAt, tmp_path: Path) -> Callable[..., tuple[BotProcess, list[int]]]:
    """Start a bot under gunicorn and wait for its workers; return it, and their ids."""
    if importlib.util.find_spec("gunicorn") is None:
        left_out("gunicorn")
    (tmp_path / "preloaded.py").write_text(PRELOADED)

    def start(
        settings: Mapping[str, str],
        *options: str,
        port: int = serve.port,
        workers: int = 1,
        limits: Mapping[str, float] | None = None,
    ) -> tuple[BotProcess, list[int]]:
        command = ["-m", "gunicorn", "botkit.run.serve:app()", "--bind", f"127.0.0.1:{port}"]
        command += ["--config", "preloaded.py", "--workers", str(workers), *options]
        bot = serve(command=command, limits=limits, **settings)
        pids = [next_worker(bot) for _ in range(workers)]
        wait_until(lambda: answers(f"http://127.0.0.1:{port}"))
        return bot, pids

    return start


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Print a line that is seen also when the test passes: what the nightly run found out."""

    def say(text: str) -> None:
        with capsys.disabled():
            print(f"\n{text}")

    return say
