"""What a person does, in a real browser: the practice chat, and a lesson in JupyterLab."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest

from botkit.kit import PRACTICE, Kit

LESSON = Path(__file__).parent.parent / "notebooks" / "01_the_whole_trip.ipynb"
COUNT = sum('"cell_type": "code"' in line for line in LESSON.read_text("utf-8").splitlines())


def say(page, text):
    page.locator("#message").fill(text)
    page.locator("#message").press("Enter")


def test_a_person_takes_the_trip_in_the_practice_chat(chromium):
    kit = Kit(replace(PRACTICE, confirm=True))
    context = chromium.new_context()
    page = context.new_page()
    page.goto(kit.chat_page)
    say(page, "profile")
    answer = page.locator(".post.bot", has_text="You are not connected yet")
    with context.expect_page() as opened:
        answer.get_by_role("link", name="Connect your GitHub account").click()
    github = opened.value
    assert "read:user" in github.locator("main").inner_text()
    github.get_by_role("button", name="Approve").click()
    github.get_by_role("heading", name="One more step").wait_for()
    assert "alice-practice" in github.locator("main").inner_text()
    code = github.locator(".code").inner_text()
    github.close()
    say(page, code)
    page.locator(".post.bot", has_text="Connected to GitHub as alice-practice").wait_for()
    say(page, "profile")
    profile = page.locator(".post.bot", has_text="Here is your GitHub profile")
    profile.wait_for()
    assert '"login": "alice-practice"' in profile.locator("pre").inner_text()
    context.close()
    kit.close()


def test_markup_in_a_message_stays_text(kit, chromium):
    page = chromium.new_page()
    alerts = []
    page.on("dialog", lambda dialog: (alerts.append(dialog.message), dialog.dismiss()))
    page.goto(kit.chat_page)
    evil = '<script>alert(1)</script><img src=x onerror="alert(2)"> "quotes" 🐙'
    page.locator("#message").fill(evil)
    page.locator("#message").press("Enter")
    own = page.locator(".post.own .bubble")
    own.wait_for()
    assert own.inner_text() == evil and alerts == []
    page.close()


@pytest.mark.parametrize("width, scheme", [(1280, "light"), (360, "dark")])
def test_pages_fit_the_screen(kit, chromium, width, scheme):
    kit.alice.say("profile")
    context = chromium.new_context(viewport={"width": width, "height": 720}, color_scheme=scheme)
    page = context.new_page()
    for url in [kit.chat_page, kit.alice.link, kit.address, kit.address + "/github/oauth?state=x"]:
        page.goto(url)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert ground == ("rgb(246, 247, 249)" if scheme == "light" else "rgb(20, 23, 28)")
    context.close()


@pytest.fixture
def jupyterlab(tmp_path):
    """JupyterLab with a copy of lesson 01; the address at which the lesson opens."""
    shutil.copy(LESSON, tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    settings = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "IdentityProvider.token": token,
        "ServerApp.root_dir": tmp_path,
        "LabApp.news_url": "",
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += [f"--{name}={value}" for name, value in settings.items()]
    home = {"HOME": str(tmp_path), "JUPYTER_CONFIG_DIR": str(tmp_path / "config")}
    with open(tmp_path / "log", "w") as log:
        lab = subprocess.Popen(command, env=os.environ | home, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_it_answers(lab, f"{url}/api?token={token}")
        yield f"{url}/lab/tree/{LESSON.name}?reset&token={token}"
    finally:
        lab.terminate()
        lab.wait(30)


def wait_until_it_answers(lab: subprocess.Popen[bytes], url: str) -> None:
    while lab.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            continue
    pytest.fail("JupyterLab ended before it answered.")


def test_lesson_01_runs_in_jupyterlab_and_shows_the_diagram(jupyterlab, chromium):
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(90_000)
    page.goto(jupyterlab)
    # The notebook's own sign says "idle" before there is a kernel; the status bar does not.
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    page.get_by_text("Run", exact=True).first.click()
    page.get_by_text("Run All Cells", exact=True).click()
    page.locator(".jp-CodeCell", has_text="check.trip_order").locator(
        ".jp-InputPrompt", has_text=f"[{COUNT}]:"
    ).wait_for()
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    assert page.locator('[data-mime-type="application/vnd.jupyter.stderr"]').count() == 0
    diagram = page.locator(".jp-OutputArea-output svg, .jp-OutputArea-output img[src*=svg]").first
    diagram.scroll_into_view_if_needed()
    box = diagram.bounding_box()
    assert box is not None and box["width"] > 400 and box["height"] > 300
    context.close()
