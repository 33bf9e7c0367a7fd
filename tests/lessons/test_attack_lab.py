"""Lesson 08: wrong guards are told what the attacker got, or whom they have locked out.

The right ones are the folded solutions of the lesson; `test_notebooks.py` runs them.
"""

from __future__ import annotations

import base64
import hmac
import json

import pytest
from itsdangerous import BadSignature
from verdicts import always, never, said

from botkit.lessons import check
from botkit.lessons.kit import PRACTICE, Kit
from botkit.lessons.lab import Lab
from botkit.settings import Registration

# ---- the lab itself ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "link",
    [
        "https://github.com/login/oauth/authorize?client_id=1",
        "http://127.0.0.1:9/login/oauth/authorize",
        "{home}@evil.example/",
        "{home}1/",
        "//evil.example",
        "file:///etc/passwd",
        "",
    ],
)
def test_the_lab_opens_no_link_to_a_foreign_host(lab, link):
    home, browser = lab.kit.world.github.address, lab.kit.mallory.browser
    before = len(browser.hops)
    with pytest.raises(ValueError, match="the practice GitHub only"):
        lab.approve(lab.kit.mallory, link.format(home=home))
    assert len(browser.hops) == before


def test_there_is_no_lab_where_github_is_the_real_one():
    real = Registration("client-id", "client-secret", "https://github.com")
    kit = Kit(PRACTICE.with_registration("github", real))
    with pytest.raises(LookupError, match="GitHub is the real one"):
        Lab(kit)
    kit.close()


def test_a_browser_of_the_lab_goes_on_afterwards_as_before(lab):
    address = lab.approve(lab.kit.bob, lab.link(state="x"))
    assert address.startswith(lab.kit.callback_url) and lab.kit.bob.browser.stop_before == ""
    assert (
        lab.kit.bob.browser.visit(address).heading == "Not connected"
    )  # the bot knows no such link


def test_a_link_that_leads_nowhere_is_told(lab):
    with pytest.raises(LookupError):
        lab.approve(lab.kit.alice, lab.link(client_id="nobody"))


@pytest.mark.parametrize("name", sorted(set(check.lesson08.__all__)))
def test_a_check_of_the_lab_never_raises(lab, name):
    more = (lab,) if name in ("lab_steal", "lab_log") else ()
    for odd in (always, never, lambda: 1, lambda *_: 1 / 0, lambda *_: "x", lambda *_: ({}, {}), 7):
        verdict = getattr(check, name)(odd, *more)
        assert not verdict.solved and len(verdict.text) > 30


# ---- what is wrong, round by round ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("knows", "told"),
    [
        (always, "Mallory came back with no state, and you let her in"),
        (never, "Alice came back with the state of the link that Alice was given, and you refused"),
        (lambda sent, given: sent in given, "stops at the first wrong letter"),
        (lambda sent, given: any(sent == one for one in given), "stops at the first wrong letter"),
        (lambda sent, given: sent == given[0], "Bob came back with the state"),
        (lambda sent, given: bool(sent), "with a state of her own, and you let her in"),
        (lambda sent, given: sent in given if given else True, "when no link was given out"),
        (lambda sent, given: any(sent and one.startswith(sent) for one in given), "first half"),
        (lambda sent, given: hmac.compare_digest(sent, given[0]), "Bob came back"),
        (
            lambda sent, given: any(hmac.compare_digest(sent, one) for one in given),
            "with no state, and your code stopped with TypeError",
        ),
        (
            lambda sent, given: any(hmac.compare_digest(sent or "", one) for one in given),
            "the state “é”, and your code stopped with TypeError",
        ),
    ],
)
def test_round_1_forge(knows, told):
    assert told in said(check.lab_forge(knows))


def keeps_it(links, key, now):
    return key in links and now < links[key]


def looks_first(links, key, now):
    good = key in links and now < links[key]
    links.pop(key, None)
    return good


def clears_all(links, key, now):
    ends = links.get(key)
    links.clear()
    return ends is not None and now < ends


def stops(links, key, now):
    return now < links.pop(key)


@pytest.mark.parametrize(
    ("claim", "told"),
    [
        (always, "Mallory opened the same callback from the history, and you let her in a second"),
        (never, "Alice came back for the first time, within the ten minutes, and you refused"),
        (keeps_it, "and you let her in a second time"),
        (looks_first, "both got in. You look first and remove later"),
        (clears_all, "Alice's other link was lost"),
        (lambda links, key, now: links.pop(key, None), "a link that ended at this very moment"),
        (lambda links, key, now: key in links and links.pop(key) >= now, "at this very moment"),
        (stops, "from the history, and your code stopped with KeyError"),
    ],
)
def test_round_2_replay(claim, told):
    assert told in said(check.lab_replay(claim))


def guarded(whose):
    def careful(query, signer):
        try:
            return whose(query, signer)
        except BadSignature:
            raise ValueError("not mine") from None

    return careful


def reads_the_payload(query, signer):
    payload = query.get("state", "").partition(".")[0]
    return json.loads(base64.urlsafe_b64decode(payload + "==")).get("user")


def refuses(query, signer):
    raise ValueError("no")


@pytest.mark.parametrize(
    ("whose", "told"),
    [
        (lambda query, signer: query["user"], "You answered 'alice', wanted: 'mallory'"),
        (refuses, "you answered with a ValueError. Wanted: 'alice'"),
        (always, "you answered True. Wanted: 'alice'"),
        (reads_the_payload, "a state that someone else has signed, and you answered 'alice'"),
        (
            lambda query, signer: signer.loads(query["state"])["user"],
            "someone else has signed, and your code stopped with BadTimeSignature",
        ),
        (
            guarded(lambda query, signer: signer.loads(query.get("state", ""))["user"]),
            "an hour old, and you answered 'alice'. Wanted: a ValueError",
        ),
        (
            guarded(lambda query, signer: signer.loads(query["state"], max_age=600)["user"]),
            "with no state, and your code stopped with KeyError",
        ),
    ],
)
def test_round_3_swap(whose, told):
    assert told in said(check.lab_swap(whose))
