"""What a check says to the answers that beginners give: the sentence must lead to the mistake."""

from __future__ import annotations

import hmac
from urllib.parse import urlencode, urlsplit

import pytest
import requests

from botkit.lessons import check


def ask_nobody(person, question):
    return "Hello"


def ask_printing(person, question):
    print(person.say(question).text)


def order_printed():
    print("EBCGFAD")


def order_with_spaces():
    return "e b c g f a d"


def order_too_early():
    return "EGBCFAD"


def save_elsewhere(connection, name, bot_id, group_id, user_id, data):
    pass  # as who writes to the table of step 1


def save_pasting(connection, name, bot_id, group_id, user_id, data):
    connection.execute(
        "INSERT INTO services (name, botId, groupId, userId, data) VALUES "
        f"('{name}', '{bot_id}', '{group_id}', '{user_id}', '{data}') "
        "ON CONFLICT (name, botId, groupId, userId) DO UPDATE SET data = excluded.data"
    )


def link_of(authorize_url, *values, **more):
    names = ["client_id", "redirect_uri", "scope", "state"]
    query = dict(zip(names, values, strict=True)) | {"response_type": "code"} | more
    query["scope"] = " ".join(query["scope"])
    return f"{authorize_url}?{urlencode(query)}"


def link_with_a_challenge(*values):
    return link_of(*values, code_challenge="c")


def link_of_somebody_else(*values):
    return link_of(*values, client_id="Ov23li")


def link_not_encoded(url, client_id, redirect_uri, scopes, state):
    scope = "%20".join(scopes)
    pasted = f"response_type=code&client_id={client_id}&scope={scope}&state={state}"
    return f"{url}?{pasted}&redirect_uri={redirect_uri}"


def callback_comparing_lists(query, expected_state):
    if query["state"] != expected_state:
        raise ValueError("no")
    return query["code"][0]


def callback_taking_the_first(query, expected_state):
    if query.get("state")[0] != expected_state:
        raise ValueError("This is another link.")
    return query["code"][0]


def callback_comparing_text(query, expected_state):
    if len(query.get("state", [])) != 1 or not expected_state:
        raise ValueError("This is another link.")
    if not hmac.compare_digest(query["state"][0], expected_state):
        raise ValueError("This is another link.")
    return query["code"][0]


def callback_without_a_look_at_the_code(query, expected_state):
    states = query.get("state", [])
    if len(states) != 1 or not expected_state or states[0] != expected_state:
        raise ValueError("This is another link.")
    if "error" in query or len(query.get("code", [])) != 1:
        raise ValueError("There is no code.")
    return query["code"][0]


def answer_of(url, token):
    return requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=10)


def fetch_without_a_look(url, token):
    answer = answer_of(url, token)
    if answer.status_code == 401:
        return "reconnect", None
    if answer.status_code == 429:
        return "wait", answer.headers["Retry-After"]
    return "profile", answer.json()["login"]


def fetch_a_dict_or_fail(url, token):
    answer = answer_of(url, token)
    if answer.status_code in (401, 429):
        wait = ("wait", int(answer.headers.get("Retry-After", 0)))
        return wait if answer.status_code == 429 else ("reconnect", None)
    if answer.status_code != 200:
        return "trouble", answer.status_code
    try:
        return "profile", answer.json()["login"]
    except (ValueError, KeyError):
        return "trouble", answer.status_code


def addresses_with_a_question_mark(public_url):
    address = public_url.rstrip("/")
    parts = urlsplit(address)
    local = parts.hostname in ("127.0.0.1", "localhost")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("This is not a web address.")
    if (parts.scheme == "http" and not local) or parts.path or parts.query or parts.fragment:
        raise ValueError("This address cannot be used.")
    return {"callback": f"{address}/github/oauth", "webhook": f"{address}/bot/webhook"}


def addresses_returning_the_sentence(public_url):
    if not public_url.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
        return "This address cannot be used."
    address = public_url.rstrip("/")
    return {"callback": f"{address}/github/oauth", "webhook": f"{address}/bot/webhook"}


def changes_of_the_same_page(get_page, bookmark):
    changes, page = [], get_page(bookmark)
    changes += page.get("changes", [])
    while "newStartPageToken" not in page:
        page = get_page(bookmark)
    return changes, page["newStartPageToken"]


def ask_another_thing(person, question):
    return person.say("help me").text


def save_in_two_steps(connection, *row):
    connection.execute("DELETE FROM services WHERE userId = ?", row[3:4])
    connection.execute(
        "INSERT INTO services (name, botId, groupId, userId, data) VALUES (?, ?, ?, ?, ?)", row
    )


def fetch_with_the_token_in_the_url(url, token):
    return requests.get(f"{url}?access_token={token}", timeout=10).json()


def fetch_nothing(url, token):
    raise RuntimeError(f"cannot open {url}")


ANSWERS = {
    ask_another_thing: (check.ask, "Carol was to say 'help', but said 'help me'."),
    save_in_two_steps: (check.save_service, "sent 2 statements to save one row."),
    fetch_with_the_token_in_the_url: (check.api_answers, "the token is in the URL."),
    fetch_nothing: (check.api_answers, "your code stops with RuntimeError; wanted:"),
    addresses_with_a_question_mark: (check.addresses, "you accept 'https://bot.example?'."),
    addresses_returning_the_sentence: (check.addresses, "you return a text. Raise it instead."),
    changes_of_the_same_page: (check.read_changes, "Do you ask for the same page again?"),
    ask_nobody: (check.ask, "Carol said nothing in the chat. The check called ask(carol, 'help')"),
    ask_printing: (check.ask, "returned None. End it with `return ...`: print only shows a text."),
    order_printed: (check.trip_order, "returned None. End it with `return ...`."),
    order_too_early: (check.trip_order, "message 2 cannot be G, because no page is open yet."),
    save_elsewhere: (check.save_service, "sent nothing through `connection`."),
    save_pasting: (check.save_service, "Text was read as SQL"),
    link_with_a_challenge: (check.auth_link, "“code_challenge”. Give these five only."),
    link_of_somebody_else: (check.auth_link, "Use what your function is given."),
    link_not_encoded: (check.auth_link, "Encode every value: an & ends"),
    callback_comparing_lists: (check.callback, "an honest answer was refused: “no”. Each value"),
    callback_taking_the_first: (check.callback, "'NoneType' object is not subscriptable. Wanted"),
    callback_comparing_text: (check.callback, "compare_digest takes bytes: use .encode()."),
    callback_without_a_look_at_the_code: (check.callback, "for an empty code, your function ret"),
    fetch_without_a_look: (check.api_answers, "('wait', 7). Make a number of it: int(...)."),
    fetch_a_dict_or_fail: (check.api_answers, "a list instead of an object, your code stops "),
}


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.__name__)
def test_a_beginners_answer_gets_a_sentence_that_helps(answer):
    checked, sentence = ANSWERS[answer]
    verdict = checked(answer)
    assert not verdict.solved and sentence in verdict.text
    assert ".." not in verdict.text.replace("...", "")


def test_only_a_mistake_with_compare_digest_gets_the_advice_about_it():
    assert ".encode()" not in check.callback(callback_taking_the_first).text


def test_the_order_of_the_trip_may_be_written_with_spaces_and_small_letters():
    assert check.trip_order(order_with_spaces).solved
