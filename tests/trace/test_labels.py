"""Labels: the same for the same value, and no secret beside them."""

from __future__ import annotations

import io
import logging
import threading
from urllib.parse import quote, urlencode

import pytest
import requests

from botkit.trace import Labels, RedactingFilter, show

SECRET = "kJ8-_x/2+Zq=0aV3~tY"


# ---- labels ------------------------------------------------------------------------------------


def test_the_same_value_has_the_same_label_and_each_kind_counts_from_one(labels: Labels) -> None:
    seen = [labels.label(*pair) for pair in (("state", "s1"), ("code", "c1"), ("state", "s2"))]
    assert seen == ["‹state·1›", "‹code·1›", "‹state·2›"]
    assert labels.label("code", "s1") == "‹state·1›"
    labels.forget()
    assert labels.label("state", "s2") == "‹state·1›"


@pytest.mark.parametrize(
    "text",
    [
        f"GET /github/oauth?state={quote(SECRET, safe='')}&code=",
        f"/login?return_to=%2Fauthorize%3Fstate%3D{quote(SECRET, safe='')}%26code%3D",
        f'{{"state": "{SECRET}"}}',
        f'{{"body": "{{\\"state\\": \\"{SECRET}\\"}}"}}',
        f"{{'state': '{SECRET}'}}",
        f"[Connect](http://127.0.0.1:4711/authorize?state={quote(SECRET)}).",
    ],
)
def test_a_secret_is_known_by_its_name_however_it_is_written(labels: Labels, text: str) -> None:
    redacted = labels.redact(text)
    assert "‹state·1›" in redacted and "kJ8" not in redacted and "tY" not in redacted
    assert labels.label("state", SECRET) == "‹state·1›"
    assert labels.redact(redacted) == redacted


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Bearer abc.DEF", "Authorization: Bearer ‹token·1›"),
        ("{'Authorization': 'token abc'}", "{'Authorization': 'token ‹token·1›'}"),
        ("authorization: Basic aWQ6c2VjcmV0", "authorization: Basic ‹credentials·1›"),
        ("Verification-Token: v1", "Verification-Token: ‹verification·1›"),
        ("Cookie: sid=a1; b=c2", "Cookie: sid=‹cookie·1›; b=‹cookie·2›"),
        ("Set-Cookie: sid=a1; Path=/; HttpOnly", "Set-Cookie: sid=‹cookie·1›; Path=/; HttpOnly"),
        ("postgresql://bot:hunter2@db/x", "postgresql://bot:‹password·1›@db/x"),
        ("user=bot&password=hunter2", "user=bot&password=‹password·1›"),
        ("api_key=k1; X-API-Key: k2", "api_key=‹key·1›; X-API-Key: ‹key·2›"),
        ('{"password": "hunter2"}', '{"password": "‹password·1›"}'),
        ("lost gho_16C7e42F292c69 here", "lost ‹token·1› here"),
        ("ghr_1B4a2e77838347a7", "‹refresh·1›"),
        ("ya29.a0AfH6SM-x github_pat_11AA_bb", "‹token·1› ‹token·2›"),
        ("accessToken=x1&client_id=Ov23li", "accessToken=‹token·1›&client_id=Ov23li"),
        ("response_type=code&scope=read:user", "response_type=code&scope=read:user"),
    ],
)
def test_secrets_in_headers_and_tokens_by_their_looks(
    labels: Labels, text: str, shown: str
) -> None:
    assert labels.redact(text) == shown
    assert labels.redact(shown) == shown


def test_a_known_value_is_found_anywhere_and_the_longer_one_first(labels: Labels) -> None:
    labels.label("code", "abc-123")
    labels.label("state", "abc-123-456")
    assert labels.redact("<abc-123-456> abc-123") == "<‹state·1›> ‹code·1›"
    labels.label("code", "4/0A b+c")
    assert labels.redact("4/0A b+c 4%2F0A%20b%2Bc 4%2F0A+b%2Bc") == "‹code·2› ‹code·2› ‹code·2›"


def test_a_plain_word_used_as_a_state_does_not_spoil_other_sentences(labels: Labels) -> None:
    assert labels.redact("?state=wrong&x=1") == "?state=‹state·1›&x=1"
    assert labels.redact("something went wrong") == "something went wrong"


def test_somebody_who_sends_a_label_is_not_taken_for_the_secret(labels: Labels) -> None:
    labels.label("state", SECRET)
    assert labels.field("state", "‹state·1›") == "‹state·2›"
    assert labels.redact(f"it was {SECRET}") == "it was ‹state·1›"


def test_origins_are_shown_by_name_and_other_ports_not_at_all(labels: Labels) -> None:
    text = (
        "http://127.0.0.1:4711/a?u=http%3A%2F%2F127.0.0.1%3A47110%2Fb 127.0.0.1:4711 "
        "http://127.0.0.1:9999/c http://127.0.0.1:4711@evil.example/ host='127.0.0.1', port=4711"
    )
    assert labels.redact(text) == (
        "‹GitHub›/a?u=‹bot›%2Fb ‹GitHub› ‹loopback›/c ‹loopback›@evil.example/ host='‹GitHub›'"
    )
    labels.name_origin("http://127.0.0.1:4711/", "Hub")
    assert labels.redact("http://127.0.0.1:4711") == "‹Hub›"
    assert labels.party("https://api.github.com/user") == "api.github.com"


def test_a_letter_that_only_looks_like_one_of_an_address_does_no_harm(labels: Labels) -> None:
    labels.name_origin("https://bot.example", "bot")
    text = "httpſ://bot.example/a HTTPS://Bot.example/b"  # in upper case, the first is the same
    assert labels.redact(text) == "httpſ://bot.example/a ‹bot›/b"


def test_many_threads_give_one_value_one_label(labels: Labels) -> None:
    found: set[str] = set()
    threads = [
        threading.Thread(target=lambda: found.add(labels.redact("code=value-42")))
        for _ in range(32)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {"code=‹code·1›"}


# ---- the log -------------------------------------------------------------------------------------


def test_the_log_filter_redacts_messages_arguments_and_tracebacks(labels: Labels) -> None:
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.addFilter(RedactingFilter(labels))
    log = logging.Logger("test")
    log.addHandler(handler)
    log.warning("asked for %s", "/cb?code=abc-1")
    try:
        raise ValueError("token is gho_abcdef123 for abc-1")
    except ValueError:
        log.exception("100% failed")
    log.error("odd %d", "abc-1")
    written = out.getvalue()
    assert "abc-1" not in written and "gho_" not in written
    assert "asked for /cb?code=‹code·1›" in written and "100% failed" in written
    assert "ValueError: token is ‹token·1› for ‹code·1›" in written


# ---- show ----------------------------------------------------------------------------------------


def test_show_takes_a_url_apart(labels: Labels) -> None:
    link = "http://127.0.0.1:4711/authorize?" + urlencode(
        {
            "client_id": "Ov23li9f8e7d6c5b4a32",
            "redirect_uri": "http://127.0.0.1:47110/cb",
            "state": "kJ8-_x/2+Zq=0aV3~tY",
        }
    )
    assert repr(show(link, labels)) == (
        "‹GitHub›/authorize\n"
        "  ? client_id    = Ov23li9f8e7d6c5b4a32\n"
        "  & redirect_uri = ‹bot›/cb\n"
        "  & state        = ‹state·1›"
    )


def test_show_prints_json_and_text_without_secrets(labels: Labels) -> None:
    headers = requests.structures.CaseInsensitiveDict({"Authorization": "Bearer abcdef-1"})
    assert str(show(headers, labels)) == '{\n  "Authorization": "Bearer ‹token·1›"\n}'
    assert str(show([{"access_token": "abcdef-1"}], labels)).count("‹token·1›") == 1
    assert str(show("abcdef-1\n🦊", labels)) == "‹token·1›\n🦊"
