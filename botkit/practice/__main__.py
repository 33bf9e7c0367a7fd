"""Run a practice server in its own process: python -m botkit.practice github

It prints its address, and then obeys its standard input until that ends: one JSON object a line,
`{"do": "revoke", "with": ["alice"]}` calls a method, `{"set": "iss", "to": "wrong"}` turns a knob.
Each is answered with one line, `{"result": ...}` or `{"error": ...}`.  So a program elsewhere can
be tried against a server that it knows by its address alone.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from botkit.practice.github.server import GitHub
from botkit.practice.google.server import Google
from botkit.practice.known_hosts import KnownHosts
from botkit.practice.ringcentral.server import RingCentral
from botkit.practice.server import Server
from botkit.practice.world import Clock

SERVERS = {"github": GitHub, "google": Google, "ringcentral": RingCentral}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m botkit.practice")
    parser.add_argument("server", choices=sorted(SERVERS))
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    chosen = parser.parse_args()
    practice: Any = SERVERS[chosen.server](now=Clock())
    server = Server(KnownHosts(practice.wsgi), port=chosen.port)
    practice.address = server.url
    _say({"address": server.url})
    for line in sys.stdin:
        _say(_obey(practice, json.loads(line)))
    server.stop()


def _obey(practice: Any, order: dict[str, Any]) -> dict[str, Any]:
    *path, name = (order.get("do") or order["set"]).split(".")
    target = practice
    for step in path:
        target = getattr(target, step)
    try:
        if "set" in order:
            setattr(target, name, order["to"])
            return {"result": None}
        result = getattr(target, name)
        if callable(result):
            result = result(*order.get("with", ()), **order.get("named", {}))
        return {"result": result}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


def _say(answer: dict[str, Any]) -> None:
    print(json.dumps(answer, default=_plain), flush=True)


def _plain(value: Any) -> Any:
    """Return what JSON has no form for: a record as its members, anything else as a string."""
    return vars(value) if hasattr(value, "__dict__") else str(value)


if __name__ == "__main__":
    main()
