"""What happens when the tunnel does not open: one clear error, and nothing left behind or told."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
import requests
from pyngrok import installer
from started_processes import Started

from botkit.errors import TunnelError
from botkit.practice.ngrok.agent import write_launcher
from botkit.run import tunnel
from botkit.run.tunnel import open_tunnel

pytestmark = pytest.mark.usefixtures("agents")  # also in tests that do not look at them

TOKEN = "2abcSecretAuthtokenOfNobody"


@pytest.fixture
def ngrok_path(tmp_path: Path) -> Path:
    return write_launcher(tmp_path)


@pytest.mark.parametrize(
    ("trouble", "happened", "advice"),
    [
        ("ERR_NGROK_4018", "got no authtoken", "Make a free account"),
        ("ERR_NGROK_105", "does not accept this authtoken", "copy the whole of it"),
        ("ERR_NGROK_107", "does not accept this authtoken", "copy the whole of it"),
        ("ERR_NGROK_121", "refused to open", "https://ngrok.com/docs/errors/err_ngrok_121"),
        ("offline", "cannot reach ngrok", "Check the network connection"),
        ("silent", "did not answer in time", "Try again"),
    ],
)
def test_each_trouble_has_its_sentence_and_its_advice_and_leaves_no_agent(
    trouble: str,
    happened: str,
    advice: str,
    ngrok_path: Path,
    agents: Started,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("PRACTICE_NGROK_FAIL", trouble)
    caplog.set_level("DEBUG")
    begun = time.monotonic()
    with pytest.raises(TunnelError, match=happened) as caught:
        deadline = {"silent": 0.5, "offline": 3.0}.get(trouble, 30.0)  # these two use it up
        open_tunnel(9, ngrok_path=ngrok_path, authtoken=TOKEN, deadline=deadline)
    assert time.monotonic() - begun < 20
    assert advice in caught.value.advice
    assert agents.all_ended()
    error = caught.value
    assert error.__cause__ is None and error.__context__ is None  # they would tell the token
    assert TOKEN not in f"{error}{error.advice}{caplog.text}"
    assert capfd.readouterr() == ("", "")


def test_after_a_trouble_the_next_attempt_works(
    ngrok_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRACTICE_NGROK_FAIL", "silent")
    with pytest.raises(TunnelError, match="in time"):
        open_tunnel(9, ngrok_path=ngrok_path, deadline=0.2)
    monkeypatch.delenv("PRACTICE_NGROK_FAIL")
    opened = open_tunnel(9, ngrok_path=ngrok_path)
    assert requests.get(opened.public_url, timeout=10).status_code == 502
    opened.close()


def test_a_silent_agent_does_not_disturb_an_open_tunnel(
    ngrok_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = open_tunnel(9, ngrok_path=ngrok_path)
    (tmp_path / "other").mkdir()
    monkeypatch.setenv("PRACTICE_NGROK_FAIL", "silent")
    with pytest.raises(TunnelError, match="in time"):
        open_tunnel(9, ngrok_path=write_launcher(tmp_path / "other"), deadline=0.2)
    assert requests.get(opened.public_url, timeout=10).status_code == 502
    opened.close()


def test_an_address_that_is_taken_is_named_as_the_trouble(
    ngrok_path: Path, agents: Started
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(TunnelError, match="in use already"):
            open_tunnel(9, ngrok_path=ngrok_path, fixed_url=url)
    assert agents.all_ended()


def test_a_refused_tunnel_leaves_the_other_tunnel_of_the_same_agent_open(ngrok_path: Path) -> None:
    opened = open_tunnel(9, ngrok_path=ngrok_path)
    with pytest.raises(TunnelError, match="refused to open this tunnel"):
        open_tunnel(9, ngrok_path=ngrok_path, fixed_url="https://somebody.example")
    assert requests.get(opened.public_url, timeout=10).status_code == 502
    opened.close()


def test_interrupting_the_cell_ends_the_agent(
    ngrok_path: Path, agents: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRACTICE_NGROK_FAIL", "silent")
    main = threading.main_thread().ident

    def interrupt() -> None:
        agents.event.wait(60)
        signal.pthread_kill(main, signal.SIGINT)

    # A shell that runs the tests in the background has told them to ignore this signal.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=interrupt).start()
    try:
        with pytest.raises(KeyboardInterrupt):
            open_tunnel(9, ngrok_path=ngrok_path, deadline=60)
    finally:
        signal.signal(signal.SIGINT, before)
    assert agents.all_ended()


def test_an_agent_that_starts_after_we_gave_up_is_ended_too(
    ngrok_path: Path, agents: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    end_agent = tunnel._end_agent

    def end_nothing_at_first(path: str) -> None:
        end_agent(path)
        agents.hold.set()

    monkeypatch.setattr(tunnel, "_end_agent", end_nothing_at_first)
    agents.hold.clear()
    with pytest.raises(TunnelError, match="in time"):
        open_tunnel(9, ngrok_path=ngrok_path, deadline=0.1)
    assert agents.all_ended()


def test_a_program_that_is_not_ngrok_is_named_as_the_trouble(tmp_path: Path) -> None:
    text = tmp_path / "ngrok"
    text.write_text("not a program")
    with pytest.raises(TunnelError, match="could not be started"):
        open_tunnel(9, ngrok_path=text)
    with pytest.raises(TunnelError, match="could not be started"):
        open_tunnel(9, ngrok_path=Path(sys.executable))  # it does not know what `start` means


def test_without_an_authtoken_nothing_is_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(installer, "urlopen", lambda url, **options: asked.append(url))
    monkeypatch.setenv("NGROK_AUTHTOKEN", TOKEN)  # not for us to read: settings.py does that
    with pytest.raises(TunnelError, match="nothing is downloaded unasked") as caught:
        open_tunnel(9, ngrok_path=tmp_path / "nowhere" / "ngrok")
    assert "NGROK_AUTHTOKEN" in caught.value.advice
    assert asked == []
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_a_download_that_fails_says_so_and_prints_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def offline(url: str, **options: Any) -> None:
        raise URLError("no network")

    monkeypatch.setattr(installer, "urlopen", offline)
    with pytest.raises(TunnelError, match="could not be downloaded"):
        open_tunnel(9, ngrok_path=tmp_path / "ngrok", authtoken=TOKEN)
    assert capfd.readouterr() == ("", "")


def test_the_token_is_not_on_the_command_line_and_its_file_is_gone_afterwards(
    ngrok_path: Path, agents: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NGROK_AUTHTOKEN", TOKEN)
    open_tunnel(9, ngrok_path=ngrok_path, authtoken=TOKEN).close()
    command = agents[0].args
    assert isinstance(command, list)
    assert TOKEN not in " ".join(command)
    config = command[command.index("--config") + 1]
    assert not config.startswith(installer.get_default_ngrok_dir())
    assert not os.path.exists(os.path.dirname(config))


def test_the_agent_stands_apart_from_the_interrupts_of_the_kernel(
    ngrok_path: Path, agents: Started
) -> None:
    opened = open_tunnel(9, ngrok_path=ngrok_path)
    assert os.getsid(agents[0].pid) == agents[0].pid
    opened.close()


def test_importing_the_room_does_not_import_pyngrok() -> None:
    program = "import sys, botkit.run.tunnel; sys.exit('pyngrok' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
