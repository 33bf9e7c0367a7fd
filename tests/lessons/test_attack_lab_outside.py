"""Lesson 08, rounds 4 to 8: wrong guards are told what Mallory got, or who was locked out."""

from __future__ import annotations

import base64
import hashlib
import posixpath
from urllib.parse import urlsplit

import pytest
import requests
from verdicts import always, never, said

from botkit.lessons import check


def pkce_with(challenge=None, method="S256", **field):
    def pkce(verifier):
        digest = hashlib.sha256(verifier.encode()).digest()
        right = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        shown = {"code_challenge": challenge(verifier) if challenge else right}
        kept = {name: value(verifier) for name, value in field.items()}
        return {**shown, **({"code_challenge_method": method} if method else {})}, kept

    return pkce


@pytest.mark.parametrize(
    ("pkce", "told"),
    [
        (lambda verifier: ({}, {}), "Mallory's chat now reads Alice's profile"),
        (lambda verifier: ({}, {"code_verifier": verifier}), "Mallory"),
        (pkce_with(), "Mallory was refused. But Alice too"),
        (pkce_with(code_verifier=lambda verifier: verifier[:-1]), "But Alice too"),
        (pkce_with(lambda verifier: verifier, "plain", code_verifier=str), "itself stands in"),
        (
            pkce_with(
                lambda verifier: hashlib.sha256(verifier.encode()).hexdigest(), code_verifier=str
            ),
            "But Alice too",
        ),
        (pkce_with(method="plain", code_verifier=str), "GitHub gave her no code"),
        (pkce_with(method=None, code_verifier=str), "GitHub gave her no code"),
        (lambda verifier: {"code_challenge": verifier}, "wanted: two dicts"),
    ],
)
def test_round_4_steal_the_code(lab, pkce, told):
    assert told in said(check.lab_steal(pkce, lab))


def same_host(asked, registered):
    return urlsplit(asked).netloc in [urlsplit(one).netloc for one in registered]


def normalised(asked, registered):
    return posixpath.normpath(asked) in map(posixpath.normpath, registered)


@pytest.mark.parametrize(
    ("may_redirect", "told"),
    [
        (always, "Alice's code may land with Mallory"),
        (never, "an honest bot asked for https://bot.example/oauth, as it is registered"),
        (lambda asked, registered: asked.startswith(tuple(registered)), "/oauth/../files/mallory"),
        (same_host, "/oauth/../files/mallory"),
        (normalised, "asks for https://bot.example/oauth/;"),
        (lambda asked, registered: asked in str(registered), "asks for https://bot.example;"),
        (lambda asked, registered: asked == registered[0], "you refused"),
        (lambda asked, registered: asked.split("?")[0] in registered, "you refused"),
    ],
)
def test_round_5_a_loose_redirect(may_redirect, told):
    assert told in said(check.lab_redirect(may_redirect))


def profile(log_line=lambda address, token: f"GET {address}", scheme="Bearer", in_url=False):
    def get_profile(address, token, log):
        log.append(log_line(address, token))
        headers = {"Authorization": f"{scheme} {token}"}
        params = {"access_token": token} if in_url else {}
        return requests.get(address, headers=headers, params=params, timeout=10).json()

    return get_profile


@pytest.mark.parametrize(
    ("get_profile", "told"),
    [
        (always, "But GitHub was not asked at all: Alice gets no profile"),
        (profile(in_url=True), "the log of GitHub's server and found Alice's token"),
        (profile(lambda address, token: f"{address} {token}"), "the log of the bot and found"),
        (profile(lambda address, token: f"{address} {token[:8]}…"), "a part of Alice's token"),
        (profile(lambda address, token: f"{address} …{token[-8:]}"), "a part of Alice's token"),
        (profile(scheme="Basic"), "Alice gets no profile"),
        (profile(lambda address, token: "asked"), "cannot see what it does"),
        (lambda a, t, log: profile()(a, t, log) and None, "Alice gets no profile"),
    ],
)
def test_round_6_a_token_in_the_url(lab, get_profile, told):
    assert told in said(check.lab_log(get_profile, lab))


@pytest.mark.parametrize(
    ("fits", "told"),
    [
        (always, "to CloudBox's path, with GitHub's iss. You took it"),
        (never, "Alice came back from GitHub, which says who it is"),
        (lambda link, path, query: path == link["path"], "with GitHub's iss. You took it"),
        (lambda link, path, query: query.get("iss") == link["issuer"], "services do not send iss"),
        (
            lambda link, path, query: query.get("iss", link["issuer"]) == link["issuer"],
            "to GitHub's path, without iss. You took it",
        ),
        (
            lambda link, path, query: (
                path == link["path"] and query.get("iss", "").startswith(link["issuer"])
            ),
            "services do not send iss",
        ),
        (
            lambda link, path, query: (
                path == link["path"] and (query.get("iss") or link["issuer"]) == link["issuer"]
            ),
            "with an empty iss",
        ),
    ],
)
def test_round_7_mix_up(fits, told):
    assert told in said(check.lab_mixup(fits))


def bare(text: str) -> str:
    return text.replace(" ", "").replace("-", "")


def asker(waiting, user, chat):
    return (user, chat) == (waiting["user"], waiting["chat"])


def without_limit(waiting, user, chat, text):
    return asker(waiting, user, chat) and bare(text) == waiting["code"]


def counts(waiting, user, chat, text):
    waiting["tries"] += 1
    return asker(waiting, user, chat) and bare(text) == waiting["code"] and waiting["tries"] <= 5


def three_tries(waiting, user, chat, text):
    if not asker(waiting, user, chat) or waiting["tries"] >= 3:
        return False
    waiting["tries"] += 1
    return bare(text) == waiting["code"]


@pytest.mark.parametrize(
    ("confirm", "told"),
    [
        (always, "Alice mistyped her code, and was let in"),
        (never, "You refused her, so nobody can connect"),
        (lambda w, user, chat, text: bare(text) == w["code"], "the code was said by Bob"),
        (lambda w, u, c, text: u == w["user"] and bare(text) == w["code"], "Alice in another chat"),
        (lambda w, u, c, text: asker(w, u, c) and text == w["code"], "'428 913'"),
        (without_limit, "guessed two hundred wrong codes, and then the right one"),
        (counts, "what others say must not use them up"),
        (three_tries, "She has five tries"),
    ],
)
def test_round_8_the_forwarded_link(confirm, told):
    assert told in said(check.lab_forward(confirm))
