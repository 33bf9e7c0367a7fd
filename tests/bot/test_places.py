"""Requests that wait for other servers have a limited number of places."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from functools import partial

import pytest
import requests
from faults_world import hold_callback
from serve_world import SECONDS, wait_until

from botkit.bot.places import FEWEST_THREADS, INSTALLS, NoPlace, Places, WebPlaces
from botkit.bot.web import LONGEST_BODY
from botkit.errors import StorageError
from botkit.lessons.kit import PRACTICE, Kit


def test_one_more_than_there_are_places_is_turned_away_until_one_ends():
    places = Places(2, "Too many.")
    with places.one():
        with places.one():
            with pytest.raises(NoPlace, match="Too many") as caught, places.one():
                raise AssertionError("There was a third place.")
            assert caught.value.status == 503
        with places.one():
            pass


def test_a_place_is_given_back_after_an_error():
    places = Places(1, "Too many.")
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), places.one():
            raise ZeroDivisionError


@pytest.mark.parametrize(
    ("threads", "callbacks"), [(40, 32), (24, 16), (9, 1), (8, 1), (FEWEST_THREADS, 1)]
)
def test_some_threads_are_always_left_for_the_chat(threads, callbacks):
    places = WebPlaces(threads)
    assert places.callbacks.count == callbacks
    assert places.callbacks.count + places.installs.count < threads
    taken = places.callbacks.count + places.installs.count + places.questions.count
    assert taken <= threads - 2 or places.questions.count == 0


@pytest.fixture
def crowded(kit):
    """A kit with one place for callbacks, which is taken; the kit, and what lets that one go."""
    kit.bot.places.callbacks.count = 1
    let_go = hold_callback(kit)
    yield kit, let_go
    let_go()


def test_a_callback_without_a_place_comes_again_by_itself_and_its_link_is_not_used(crowded):
    kit, let_go = crowded
    kit.bob.say("profile")
    kit.bob.browser.stop_before = kit.address
    callback = kit.bob.browser.visit(kit.bob.link).approve().url
    answer = requests.get(callback, timeout=SECONDS)
    assert answer.status_code == 503 and "<h1>One moment</h1>" in answer.text
    assert "Many people are connecting at this moment." in answer.text
    assert "This page goes on by itself in a moment." in answer.text
    assert (answer.headers["Refresh"], answer.headers["Retry-After"]) == ("1", "1")
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert let_go().heading == "Connected"
    assert "<h1>Connected</h1>" in requests.get(callback, timeout=SECONDS).text  # the same address


def test_what_no_link_waits_for_has_its_page_without_a_place(crowded):
    kit, _ = crowded
    for query, status in [("code=x&state=unknown", 400), ("code=x", 400), ("", 400)]:
        answer = requests.get(f"{kit.address}/github/oauth?{query}", timeout=SECONDS)
        assert answer.status_code == status and "Refresh" not in answer.headers
    used = kit.alice.link.partition("state=")[2].partition("&")[0]
    answer = requests.get(f"{kit.address}/github/oauth?code=x&state={used}", timeout=SECONDS)
    assert answer.status_code == 409 and "Already used" in answer.text


@pytest.mark.parametrize("path", ["/github/oauth?code=x&state=y", "/google/webhook"])
def test_what_asks_only_the_database_needs_a_place_too(path, monkeypatch):
    """The database may hang, and then these requests wait for it."""
    place = replace(PRACTICE, skills=("github", "drive"))
    with closing(Kit(place)) as kit:
        places, goes_on, methods = kit.bot.places, threading.Event(), {"/google/webhook": "POST"}
        places.callbacks.count, places.questions.count = 2, 1

        def hang(*_, **__):
            assert goes_on.wait(SECONDS)
            raise StorageError("The database does not answer.")

        monkeypatch.setattr(kit.storage, "check_authorization", hang)
        monkeypatch.setattr(kit.storage, "get_service", hang)
        ask = partial(
            requests.request, methods.get(path, "GET"), kit.address + path, timeout=SECONDS
        )
        headers = {"X-Goog-Channel-Id": f"1-{'x' * 32}", "X-Goog-Channel-Token": "t"}
        with ThreadPoolExecutor(3) as pool:
            waiting = [pool.submit(ask, headers=headers) for _ in range(3)]
            wait_until(lambda: places.callbacks._taken + places.questions._taken == 3)
            refused = ask(headers=headers)
            assert refused.status_code == 503 and refused.headers["Retry-After"] == "1"
            goes_on.set()
            assert {one.result().status_code for one in waiting} == {503}
        assert places.callbacks._taken == places.questions._taken == 0


def test_a_body_that_is_refused_has_had_no_place():
    with closing(Kit(replace(PRACTICE, skills=("github", "drive")))) as kit:
        body = b"x" * (LONGEST_BODY + 1)
        answer = kit.app.test_client().post("/google/webhook", data=body)
        assert answer.status_code == 413


def test_a_question_to_the_chat_about_a_shared_connection_has_a_place(kit, monkeypatch):
    """Whether its person has left the chat: RingCentral may be slow."""
    kit.alice.say("profile")
    kit.alice.browser.stop_before = kit.address
    callback = kit.alice.browser.visit(kit.alice.link).approve().url
    places, (skill,), taken = kit.bot.places, kit.bot.services, []
    objection = lambda _: taken.append(places.callbacks._taken) or "No."  # noqa: E731
    monkeypatch.setattr(skill, "objection", objection)
    assert requests.get(callback, timeout=SECONDS).status_code == 400
    assert taken == [1] and places.callbacks._taken == 0


def test_the_chat_and_health_need_no_place(crowded):
    kit, _ = crowded
    kit.bot.places.installs.count = 0
    assert requests.get(f"{kit.address}/health", timeout=SECONDS).json()["status"] == "ok"
    assert "shows your GitHub profile" in str(kit.bob.say("help"))


def test_installs_have_places_of_their_own(kit):
    """Anyone can open that address, and RingCentral is asked about each code and token."""
    address, chat = f"{kit.address}/bot/oauth", kit.world.ringcentral
    chat.trouble.next(times=INSTALLS, status=None, delay=60)
    answers = []

    def install():
        answers.append(requests.get(f"{address}?code=x", timeout=SECONDS).status_code)

    threads = [threading.Thread(target=install) for _ in range(INSTALLS)]
    for thread in threads:
        thread.start()
    wait_until(lambda: kit.bot.places.installs._taken == INSTALLS)
    page = requests.get(f"{address}?code=x", timeout=SECONDS)
    assert page.status_code == 503 and page.headers["Refresh"] == "1"
    assert "Other bots are being installed at this moment." in page.text
    said = requests.post(address, json={"access_token": "x" * 20}, timeout=SECONDS)
    assert said.status_code == 503 and said.headers["Retry-After"] == "1"
    assert said.json() == {"error": "Other bots are being installed at this moment."}
    chat.trouble.clear()
    for thread in threads:
        thread.join(SECONDS)
    assert answers == [400] * INSTALLS  # RingCentral does not know the code
    assert requests.get(f"{address}?code=x", timeout=SECONDS).status_code == 400
