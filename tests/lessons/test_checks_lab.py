"""Lessons 08 and 10: what beginners wrote there, and the sentence that helps them on."""

from __future__ import annotations

import hmac
import sqlite3
import threading
from contextlib import closing
from dataclasses import replace

import pytest
from verdicts import said

from botkit.lessons import check
from botkit.lessons.check.bounded import Call
from botkit.lessons.check.teapot import QUESTIONS, describe_teapot
from botkit.lessons.lab import Lab
from botkit.practice.browser.browser import Browser, NotOnThisPage

# ---- lesson 08, round 1 --------------------------------------------------------------------------


def test_round_1_an_error_names_no_class_of_the_check():
    def knows(sent, given):
        return any(hmac.compare_digest(sent, one) for one in given if sent is None)

    text = said(check.lab_forge(lambda sent, given: knows(sent, given) or sent in given))
    assert "'NoneType' and 'str'" in text


# ---- round 2 -------------------------------------------------------------------------------------


def looks_and_deletes(ends, key, now):
    if key in ends and now < ends[key]:
        del ends[key]
        return True
    return False


def deletes_after_get(ends, key, now):
    end = ends.get(key)
    if end is None or now >= end:
        return False
    del ends[key]
    return True


@pytest.mark.parametrize("claim", [looks_and_deletes, deletes_after_get])
def test_round_2_an_error_in_the_race_is_no_solution(claim):
    text = said(check.lab_replay(claim))
    assert "two came at the same moment, and your code stopped with KeyError." in text
    assert "ends.pop(key, None) removes the entry" in text


def test_round_2_who_catches_the_error_of_the_race_is_right():
    def claim(ends, key, now):
        try:
            return now < ends.pop(key)
        except KeyError:
            return False

    assert check.lab_replay(claim).solved


def test_round_2_a_memory_of_its_own_is_named_however_often_the_check_runs():
    used = set()

    def claim(ends, key, now):
        if key in used or key not in ends or now >= ends[key]:
            return False
        used.add(key)
        return True

    for _ in range(2):
        assert "remember keys in a name outside of itself?" in said(check.lab_replay(claim))


def pops(ends, key, now):
    end = ends.pop(key, None)
    return end is not None and now < end


def pops_from_a_set_of_keys(ends, key, now):
    return now < ends.pop(key, now) if {key} & ends.keys() else False


def pops_from_a_copy(ends, key, now):
    for one, end in ends.copy().items():
        if one == key and now < end:
            return ends.pop(key, None) is not None
    return False


def under(lock):
    def claim(ends, key, now):
        with lock:
            return looks_and_deletes(ends, key, now)

    return claim


def under_acquire(lock):
    def claim(ends, key, now):
        lock.acquire()
        try:
            return deletes_after_get(ends, key, now)
        finally:
            lock.release()

    return claim


def removes_under(lock):
    def claim(ends, key, now):
        if key not in ends:
            return False
        with lock:
            return looks_and_deletes(ends, key, now)

    return claim


def refuses_while_another_is_at_work(lock):
    def claim(ends, key, now):
        if not lock.acquire(blocking=False):
            return False
        try:
            return looks_and_deletes(ends, key, now)
        finally:
            lock.release()

    return claim


def deletes_in_sql(file):
    with closing(sqlite3.connect(file)) as db:
        db.execute("CREATE TABLE links (key TEXT)")

    def claim(ends, key, now):
        with closing(sqlite3.connect(file, isolation_level=None)) as db:
            db.execute("BEGIN IMMEDIATE")
            db.execute("DELETE FROM links")
            db.executemany("INSERT INTO links VALUES (?)", [(one,) for one in ends])
            deleted = db.execute("DELETE FROM links WHERE key = ?", (key,)).rowcount == 1
            end = ends.pop(key) if deleted else now
            db.execute("COMMIT")
        return now < end

    return claim


@pytest.mark.parametrize(
    "answer",
    [
        lambda file: pops,
        lambda file: pops_from_a_set_of_keys,
        lambda file: pops_from_a_copy,
        lambda file: under(threading.Lock()),
        lambda file: under(threading.RLock()),
        lambda file: under(threading.Semaphore()),
        lambda file: under(threading.Condition()),
        lambda file: under_acquire(threading.Lock()),
        lambda file: under_acquire(threading.RLock()),
        lambda file: removes_under(threading.Lock()),
        lambda file: refuses_while_another_is_at_work(threading.Lock()),
        deletes_in_sql,
    ],
)
def test_round_2_each_right_answer_is_taken(answer, tmp_path):
    assert check.lab_replay(answer(tmp_path / "links.sqlite")).text.startswith("Alice and Bob got")


def looks_in_the_keys(ends, key, now):
    good = any(one == key and now < end for one, end in ends.items())
    ends.pop(key, None)
    return good


def looks_at_a_default(ends, key, now):
    end = ends.setdefault(key, now)
    ends.pop(key, None)
    return now < end


def looks_five_times(ends, key, now):
    for _ in range(4):
        if key not in ends:
            return False
    good = now < ends.get(key, now)
    ends.pop(key, None)
    return good


def under_a_lock_for_each_call(ends, key, now):
    with threading.Lock():
        good = key in ends and now < ends[key]
        ends.pop(key, None)
        return good


ONE_LOCK = threading.Lock()


def looks_before_the_lock(ends, key, now):
    good = key in ends and now < ends[key]
    with ONE_LOCK:
        ends.pop(key, None)
    return good


@pytest.mark.parametrize(
    "claim",
    [
        looks_in_the_keys,
        looks_at_a_default,
        looks_five_times,
        under_a_lock_for_each_call,
        looks_before_the_lock,
    ],
)
def test_round_2_the_race_is_found_each_time(claim):
    for _ in range(5):
        assert "both got in. You look first and remove later" in said(check.lab_replay(claim))


def test_round_2_the_race_is_found_also_if_the_second_callback_begins_late(monkeypatch):
    first_waits, is_held = threading.Event(), Call.is_held

    def waits(call):
        first_waits.set()
        return is_held(call)

    callers = []

    def late(ends, key, now):
        callers.append(threading.current_thread())
        if callers[-1] is not callers[0]:
            first_waits.wait(10)
        return looks_in_the_keys(ends, key, now)

    monkeypatch.setattr(Call, "is_held", waits)
    assert "both got in." in said(check.lab_replay(late))


def test_round_2_a_lock_that_is_never_released_has_its_sentence(monkeypatch):
    monkeypatch.setattr("botkit.lessons.check.lesson08.replay._ROUNDS_FOR_THE_SECOND", 3)
    lock = threading.RLock()  # its own thread may take it again

    def claim(ends, key, now):
        lock.acquire()
        return pops(ends, key, now)

    text = said(check.lab_replay(claim))
    assert "the second never got an answer. Release every lock that you take" in text


def test_round_2_another_error_in_the_race_is_not_explained_as_a_missing_key():
    db = sqlite3.connect(":memory:")
    main = []

    def claim(ends, key, now):
        main.append(threading.get_ident())
        if main[0] != threading.get_ident():
            db.execute("SELECT 1")  # of another thread
        return pops(ends, key, now)

    text = said(check.lab_replay(claim))
    assert "your code stopped with ProgrammingError: SQLite objects created in a thread" in text
    assert "took the entry away" not in text


# ---- round 4 -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("returned", "told"),
    [
        (("challenge", {}), "Of your two values, the first is a str."),
        (({}, "verifier"), "Of your two values, the second is a str."),
        (({}, {}, {}), "You return 3 values."),
        ({"code_verifier": "v"}, "You return one dict."),
        (None, "You return one NoneType."),
    ],
)
def test_round_4_what_is_not_two_dicts_is_named(kit, returned, told):
    text = said(check.lab_steal(lambda verifier: returned, Lab(kit)))
    assert text.startswith("wanted: two dicts") and text.endswith(told)


# ---- round 8 -------------------------------------------------------------------------------------


def stops_after(most, digits_only=False):
    def confirm(waiting, user, chat, text):
        code = text.replace(" ", "").replace("-", "")
        if (user, chat) != (waiting["user"], waiting["chat"]) or waiting["tries"] >= most:
            return False
        if code == waiting["code"]:
            return True
        waiting["tries"] += len(code) == 6 or not digits_only
        return False

    return confirm


@pytest.mark.parametrize("most", [6, 7, 191])
def test_round_8_the_sixth_code_is_one_too_many(most):
    text = said(check.lab_forward(stops_after(most)))
    assert "five wrong codes, and then the right one. You let her in. The fifth wrong code" in text


def test_round_8_four_wrong_codes_are_forgiven():
    assert "She has five tries" in said(check.lab_forward(stops_after(4)))


@pytest.mark.parametrize("digits_only", [True, False])
def test_round_8_the_fifth_wrong_code_ends_it(digits_only):
    assert check.lab_forward(stops_after(5, digits_only)).solved


# ---- lesson 10 -----------------------------------------------------------------------------------


def wrong(**changes):
    def describe(*registration):
        right = describe_teapot(*registration)
        if ends := changes.get("ends"):
            return replace(right, revocation=replace(right.revocation, ends=ends))
        return replace(right, **changes)

    return describe


@pytest.mark.parametrize(
    "changes",
    [
        {"account_id_field": "nickname", "account_name_field": "guest_id"},
        {"account_id_field": "nickname"},
        {"revocation": None},
        {"ends": "everything"},
        {"issuer": "https://teapot.example"},
    ],
)
def test_teapot_is_described_as_it_is_documented_also_where_no_trip_shows_it(kit, changes):
    text = said(check.provider(wrong(**changes), kit, *kit.world.start_service("teapot")))
    assert text.startswith("all that a trip can show is right.")
    named = {name for name, question in QUESTIONS.items() if f"* {name}: {question}" in text}
    assert named == changes.keys()
    assert "✔ API " in text  # the report stands below


def test_teapot_s_api_may_end_with_a_slash_and_is_nowhere_else(kit):
    registration = kit.world.start_service("teapot")
    api = f"{registration[2]}/teapot"
    assert check.provider(wrong(api_url=f"{api}/"), kit, *registration).solved
    text = said(check.provider(wrong(api_url=registration[2]), kit, *registration))
    assert "* api_url: section 3" in text


def test_a_relative_address_is_told_what_is_whole_on_this_computer(kit):
    registration = kit.world.start_service("teapot")
    text = said(check.provider(wrong(authorize_url="/oauth/authorize"), kit, *registration))
    assert "begins with https:// (or, on this computer, with http://)." in text


def test_a_page_without_any_button_says_so():
    page = Browser().visit("http://127.0.0.1:9/nobody-listens")
    with pytest.raises(NotOnThisPage, match=r"There is no button 'Deny' on .*\. There is none at"):
        page.deny()
