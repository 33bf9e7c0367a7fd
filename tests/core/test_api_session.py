"""The session that calls an API: the token in the header, patience, and clear errors."""

from __future__ import annotations

import time

import pytest
import requests
from elsewhere_world import Elsewhere

import botkit
from botkit.errors import ProviderUnreachable, RateLimited, ReconnectNeeded
from botkit.oauth import ApiSession, http
from botkit.storage import Turn, in_turn


@pytest.fixture
def elsewhere():
    elsewhere = Elsewhere()
    yield elsewhere
    elsewhere.close()


class Sleep:
    def __init__(self) -> None:
        self.slept = []

    def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)


@pytest.fixture
def api(elsewhere):
    return ApiSession("Elsewhere", elsewhere.server.url + "/api", "t0ken", sleep=Sleep())


def test_the_token_goes_to_the_api_and_to_nobody_else(api, elsewhere):
    other = Elsewhere()
    api.get("/me")
    api.get(other.server.url + "/me")
    other.server.stop()
    assert elsewhere.seen[0]["HTTP_AUTHORIZATION"] == "Bearer t0ken"
    assert "HTTP_AUTHORIZATION" not in other.seen[0]
    assert "t0ken" not in repr(api)


def test_a_path_is_below_the_api_with_or_without_a_slash(api, elsewhere):
    api.get("/me")
    api.get("me")
    assert [request["PATH_INFO"] for request in elsewhere.seen] == ["/api/me", "/api/me"]


def test_an_entry_in_netrc_does_not_replace_the_token(api, elsewhere, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else")
    monkeypatch.setenv("NETRC", str(netrc))
    api.get("/me")
    assert elsewhere.seen[0]["HTTP_AUTHORIZATION"] == "Bearer t0ken"


@pytest.mark.parametrize("status", [429, 503])
def test_it_waits_as_long_as_it_is_asked_to_and_tries_again(api, elsewhere, status):
    elsewhere.answers(status, headers={"Retry-After": "3"})
    assert api.get("/me").status_code == 200
    assert api._sleep.slept == [3.0]


def test_a_date_to_wait_for_is_understood_too(api, elsewhere):
    elsewhere.answers(429, headers={"Retry-After": "Tue, 01 Jan 2019 00:00:00 GMT"})
    assert api.get("/me").status_code == 200
    assert api._sleep.slept == [0.0]


FAR = "Mon, 01 Jan 99999999999 00:00:00 GMT"  # too far for any clock


@pytest.mark.parametrize("after", ["11", "99999", "nonsense", "-1", "1e9", "Tue, 99 Foo", FAR])
def test_a_wait_that_is_too_long_or_senseless_is_told_and_not_waited_for(api, elsewhere, after):
    elsewhere.answers(429, headers={"Retry-After": after})
    with pytest.raises(RateLimited, match="asks us to wait") as caught:
        api.get("/me")
    assert caught.value.seconds > 10
    assert api._sleep.slept == []


def test_patience_ends_also_when_the_answer_is_always_zero_seconds(api, elsewhere):
    elsewhere.answers(503, times=1000, headers={"Retry-After": "0"})
    with pytest.raises(RateLimited):
        api.get("/me")
    assert len(api._sleep.slept) == 10


@pytest.mark.parametrize("status", [403, 429])
def test_githubs_rate_limit_is_told_with_its_wait(api, elsewhere, status):
    reset = str(int(time.time()) + 600)
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}
    elsewhere.answers(status, headers=headers)
    with pytest.raises(RateLimited) as caught:
        api.get("/me")
    assert 500 < caught.value.seconds <= 600


@pytest.mark.parametrize("reset", ["", "soon", "-5", "9" * 13])
def test_a_rate_limit_without_an_end_that_can_be_read_is_a_minute(api, elsewhere, reset):
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}
    elsewhere.answers(403, headers=headers)
    with pytest.raises(RateLimited, match="asks us to wait 60 seconds"):
        api.get("/me")


def test_a_wait_may_take_up_all_of_the_patience(api, elsewhere):
    elsewhere.answers(429, headers={"Retry-After": "10"})
    assert api.get("/me").status_code == 200
    assert api._sleep.slept == [10.0]


def test_a_forbidden_answer_that_names_a_wait_is_a_limit_too(api, elsewhere):
    elsewhere.answers(403, headers={"Retry-After": "3"})
    assert api.get("/me").status_code == 200
    assert api._sleep.slept == [3.0]


def test_a_forbidden_answer_without_a_limit_is_returned_as_it_is(api, elsewhere):
    elsewhere.answers(403, "no")
    assert api.get("/me").status_code == 403
    elsewhere.answers(429, "slow down")
    assert api.get("/me").status_code == 429


def test_a_dead_token_says_reconnect(api, elsewhere):
    elsewhere.answers(401)
    with pytest.raises(ReconnectNeeded, match="no longer accepts"):
        api.get("/me")


@pytest.mark.parametrize("after", ["999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_wait_of_ages_is_told_as_a_day(api, elsewhere, after):
    elsewhere.answers(429, headers={"Retry-After": after})
    with pytest.raises(RateLimited, match="asks us to wait 86400 seconds"):
        api.get("/me")


def test_a_moment_in_the_far_future_is_told_as_a_day_too(api, elsewhere):
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "999999999999"}
    elsewhere.answers(403, headers=headers)
    with pytest.raises(RateLimited, match="asks us to wait 86400 seconds"):
        api.get("/me")


@pytest.mark.parametrize("status", [403, 429])
def test_githubs_secondary_limit_is_a_minute_if_it_names_no_wait(api, elsewhere, status):
    body = '{"message": "You have exceeded a secondary rate limit. Please wait a few minutes."}'
    elsewhere.answers(status, body, headers={"X-RateLimit-Remaining": "4990"})
    with pytest.raises(RateLimited, match="asks us to wait 60 seconds"):
        api.get("/me")


def test_an_address_inside_a_path_does_not_make_it_absolute(api, elsewhere):
    api.get("/search?q=https://example.com")
    api.get("search/https://example.com")
    asked = [(request["PATH_INFO"], request["QUERY_STRING"]) for request in elsewhere.seen]
    assert asked == [
        ("/api/search", "q=https://example.com"),
        ("/api/search/https://example.com", ""),
    ]


def test_the_token_is_sent_whatever_the_case_of_the_host(elsewhere):
    port = elsewhere.server.port
    api = ApiSession("Elsewhere", f"HTTP://LocalHost:{port}/api", "t0ken")
    api.get("/me")
    assert elsewhere.seen[0]["HTTP_AUTHORIZATION"] == "Bearer t0ken"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://api.example", "https://API.example:443/x", True),
        ("http://api.example:80", "http://api.example", True),
        ("https://api.example", "https://api.example.", True),
        ("https://api.example", "http://api.example", False),
        ("https://api.example", "https://api.example:8443", False),
        ("https://api.example", "https://api.example.evil", False),
        ("https://api.example", "https://api.example@evil", False),
    ],
)
def test_an_origin_is_scheme_host_and_port_and_nothing_else(one, other, same):
    assert (http.origin(one) == http.origin(other)) is same


def test_every_request_says_who_sends_it(api, elsewhere):
    api.get("/me")
    assert elsewhere.seen[0]["HTTP_USER_AGENT"] == f"botkit/{botkit.__version__} (teaching kit)"


def test_watchers_see_each_request_before_and_after(elsewhere, monkeypatch):
    seen = []

    class Watcher:
        def before(self, request):
            seen.append(request.url)
            return "ticket"

        def after(self, ticket, response, error):
            seen.append((ticket, response and response.status_code, type(error)))

    monkeypatch.setattr(http, "watchers", [Watcher()])
    address = f"{elsewhere.server.url}/api"
    http.Session().get(address)
    elsewhere.server.stop()
    with pytest.raises(requests.ConnectionError):
        http.Session().get(address)
    lost = ("ticket", None, requests.ConnectionError)
    assert seen == [address, ("ticket", 200, type(None)), address, lost]


@pytest.mark.parametrize("location", ["http://[::1", "file:///etc/passwd"])
def test_a_redirect_to_what_is_no_address_of_the_api_is_never_followed(api, elsewhere, location):
    elsewhere.answers(302, headers={"Location": location})
    if location.startswith("file"):
        assert api.get("/me").status_code == 302
    else:
        with pytest.raises(ProviderUnreachable, match="an answer that cannot be read"):
            api.get("/me")


def test_only_http_and_https_are_spoken():
    with pytest.raises(requests.exceptions.InvalidSchema):
        http.Session().get("file:///etc/passwd")


def prepared(change=lambda session: None, **request):
    """A request of ours, and the same one of a session of `requests`."""
    made = []
    for session in (http.Session(), requests.Session()):
        session.headers.update({"User-Agent": "x", "X-Own": "1"})
        session.cookies.set("a", "b")
        session.auth = ("id", "of the session")
        change(session)
        one = session.prepare_request(
            requests.Request("post", "http://api.example/p?q=1", **request)
        )
        made.append((one.method, one.url, dict(one.headers.lower_items()), one.body, one.hooks))
    return made


def hook(session):
    session.hooks["response"].append(print)


@pytest.mark.parametrize(
    "request_",
    [
        {"json": {"a": 1}, "headers": {"x-own": None, "accept": "text/plain"}},
        {"data": {"a": "1"}, "auth": ("id", "of the request"), "params": {"b": "2"}},
        {"cookies": {"c": "d"}},
        {"change": hook},
        {"change": lambda session: session.params.update(all="1")},
    ],
)
def test_a_request_of_ours_is_one_as_requests_makes_it(request_):
    ours, theirs = prepared(**request_)
    assert ours == theirs


def test_a_turn_knows_that_it_has_changed_something_before_the_request_is_sent(api, elsewhere):
    began = []
    with in_turn(Turn(lambda: began.append(len(elsewhere.seen)))) as turn:
        for method in ("GET", "HEAD", "PUT", "DELETE"):  # these do no harm twice
            api.request(method, "/me")
        assert not turn.has_changed and began == []
        api.post("/me")
        api.patch("/me")
    assert turn.has_changed and began == [4]
