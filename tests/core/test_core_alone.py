"""The core alone takes the whole trip: no Flask, no chat, no setting, no provider of ours."""

from __future__ import annotations

import json
import subprocess
import sys

CALLBACK = "http://127.0.0.1:9/github/oauth"  # nobody listens there: the browser stops before it

# A fresh interpreter: describe GitHub, connect Alice's account, use it, revoke it.
TRIP = """
import json, sys
from urllib.parse import parse_qs, urlsplit

from botkit.oauth import Provider, Revocation, api_session, auth_link, handle_callback, revoke
from botkit.storage import Storage

database, server, client_id, client_secret, callback = sys.argv[1:]
provider = Provider(
    name="GitHub",
    slug="github",
    client_id=client_id,
    client_secret=client_secret,
    authorize_url=f"{server}/login/oauth/authorize",
    token_url=f"{server}/login/oauth/access_token",
    api_url=f"{server}/api/v3",
    scopes=("read:user",),
    account_url=f"{server}/api/v3/user",
    account_name_field="login",
    revocation=Revocation(
        method="DELETE",
        url=f"{server}/api/v3/applications/{client_id}/grant",
        field="access_token",
        encoding="json",
        client_auth="basic",
    ),
)
storage = Storage(database)
storage.set_up()
owner = {"bot_id": "bot", "group_id": "chat", "user_id": "alice"}
print(auth_link(storage, provider, **owner, redirect_uri=callback), flush=True)
service = handle_callback(storage, provider, parse_qs(urlsplit(input()).query))
with api_session(storage, provider, service) as api:
    login = api.get("/user").json()["login"]
revoke(storage, provider, service)
storage.delete_service(service)
storage.close()
print(json.dumps({"login": login, "modules": sorted(sys.modules)}))
"""

# The practice world in an interpreter of its own: it needs nothing of the core, and the core
# nothing of it.
APPROVE = """
import sys
from botkit.practice import Browser
browser = Browser(cookies={"github_account": "alice"})
browser.stop_before = sys.argv[2]
print(browser.visit(sys.argv[1]).approve().url)
"""


def test_the_core_takes_the_whole_trip_and_loads_nothing_else(github_process, sqlite_url):
    client = github_process.call("register_app", "My bot", [CALLBACK])
    trip = subprocess.Popen(
        [sys.executable, "-c", TRIP, sqlite_url, github_process.address, *client, CALLBACK],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    link = trip.stdout.readline().strip()
    approved = subprocess.run(
        [sys.executable, "-c", APPROVE, link, CALLBACK],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    output, _ = trip.communicate(approved.stdout, timeout=60)
    told = json.loads(output)
    assert told["login"] == "alice-practice"
    assert github_process.call("_ledger.grants") == {}  # revoked
    loaded = {name for name in told["modules"] if name.split(".")[0] in ("botkit", "flask")}
    rooms = {".".join(name.split(".")[:2]) for name in loaded}
    assert rooms - {"botkit.version"} == {
        "botkit",
        "botkit.errors",
        "botkit.oauth",
        "botkit.storage",
    }
