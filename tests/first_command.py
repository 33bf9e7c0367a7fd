"""Does the README's first line open lesson 00?  To try it: python tests/first_command.py

In an empty copy of this repository the line is run as it stands: by bash, and on Windows by
PowerShell.  When JupyterLab opens lesson 00 in a browser, the browser is a program that tells the
address, and the lesson is asked for; then everything is ended.  It needs the network, and minutes.

With `--stick` it is the way for a room without network, from the instructors' guide: what is to be
downloaded is downloaded, and then the line runs that installs from there.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from html import unescape
from pathlib import Path
from urllib.parse import urlsplit

GUIDE = "notebooks/INSTRUCTORS.md"
ROOT = Path(__file__).resolve().parent.parent
LANGUAGE = "powershell" if os.name == "nt" else "sh"
SHELL = ["powershell", "-NoProfile", "-Command"] if os.name == "nt" else ["bash", "-c"]
NOT_OURS = (".git", ".venv", ".*_cache", "__pycache__", "*.egg-info", ".env", "*.sqlite*")
SECONDS = 900.0  # to wait for JupyterLab; all is downloaded before
BROWSER = "print('OPENED', __import__('sys').argv[-1], flush=True)"  # no colon, no ;


def line_of(document: str, language: str = LANGUAGE) -> str:
    """The line of a document that begins with making an environment, in this language."""
    python = {"sh": "python3", "powershell": "py -3"}[language]
    text = (ROOT / document).read_text(encoding="utf-8")
    (line,) = re.findall(rf"^{python} -m venv .*$", text, re.MULTILINE)
    return str(line)


def copy_to(folder: Path) -> Path:
    """An empty copy: what one gets who downloads the repository."""
    return Path(shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*NOT_OURS)))


def open_lesson(line: str, folder: Path, environment: Mapping[str, str]) -> str:
    """Run the line in `folder` until JupyterLab opens a notebook; its path."""
    home = folder / "jupyter"
    home.mkdir()
    config = {"ServerApp": {"port": 0, "allow_root": True}}
    (home / "jupyter_server_config.json").write_text(json.dumps(config), encoding="utf-8")
    environment = {
        **environment,
        **dict.fromkeys(("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR"), str(home)),
        "BROWSER": f'"{Path(sys.executable).as_posix()}" -c "{BROWSER}" %s',
    }
    process = subprocess.Popen(
        [*SHELL, line],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    said: list[str] = []
    patience = threading.Timer(SECONDS, _end, [process])
    patience.start()
    try:
        assert process.stdout is not None
        for text in process.stdout:
            said.append(text)
            if text.startswith("OPENED "):
                return _look_at(text.split()[1])
        raise AssertionError(f"JupyterLab opened no page. It said:\n{''.join(said)}")
    finally:
        patience.cancel()
        _end(process)
        process.communicate(timeout=60)


def _look_at(page: str) -> str:
    """What JupyterLab opens is a file that sends the browser on.  The server has that lesson."""
    with urllib.request.urlopen(page, timeout=60) as answer:
        found = re.search(r'url=(http[^"]*)"', unescape(answer.read().decode()))
    assert found, page
    address = urlsplit(found[1])
    with urllib.request.urlopen(found[1], timeout=60) as answer:
        assert "JupyterLab" in answer.read().decode()
    lesson = address.path.partition("/lab/tree/")[2]
    of_lesson = f"http://{address.netloc}/api/contents/{lesson}?{address.query}"
    with urllib.request.urlopen(of_lesson, timeout=60) as answer:
        assert json.load(answer)["type"] == "notebook"
    return lesson


def _end(process: subprocess.Popen[str]) -> None:
    if os.name == "nt":
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True)
        return
    with suppress(ProcessLookupError):  # all have ended
        os.killpg(process.pid, signal.SIGTERM)


def main() -> None:
    stick = "--stick" in sys.argv
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        project = copy_to(folder / "botkit")
        if stick:
            text = (ROOT / GUIDE).read_text(encoding="utf-8")
            (download,) = re.findall("^pip download .*$", text, re.MULTILINE)
            download = download.replace("/media/stick", folder.as_posix())
            print(download, flush=True)
            subprocess.run([*SHELL, download], cwd=project, check=True)
        line = line_of(GUIDE if stick else "README.md")
        print(line, flush=True)
        opened = open_lesson(line, project, os.environ)
        assert opened == "notebooks/00_start_here.ipynb", opened
        print(f"JupyterLab opened {opened}.")


if __name__ == "__main__":
    main()
