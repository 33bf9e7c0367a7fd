"""Check the exercise of lesson 04: reading a callback."""

from __future__ import annotations

from collections.abc import Callable

from botkit.lessons.check.verdict import NotYet, verdict, want


@verdict
def callback(read_callback: Callable[[dict[str, list[str]], str], str]) -> str:
    """Check a function that reads callbacks.

    It gets honest answers, a denial, and what attackers and broken providers may send.
    """
    code, mine, other = ["code-A1"], ["state-A1"], ["state-M9"]
    for number in ("A1", "B2"):
        honest = {"code": [f"code-{number}"], "state": [f"state-{number}"], "iss": ["https://x"]}
        got = _read(read_callback, honest, f"state-{number}", "an honest answer")
        want(
            not isinstance(got, ValueError),
            f"an honest answer was refused: “{got}”. Each value in `query` is a list of texts.",
        )
        want(
            got == f"code-{number}",
            f"for an honest answer the code itself was wanted, as a string, not {got!r}.",
        )
    attach = "an attacker could attach their own account to Alice's chat."
    empty = "when no link waits, no answer may fit; but two empty texts are equal."
    pick = "which one is taken is chance, and an attacker may add one."
    denied = ["access_denied"]
    for query, expected, given, reason in (
        ({"code": code, "state": other}, mine[0], "another state", attach),
        ({"code": code}, mine[0], "no state", attach),
        ({"code": code, "state": ["é"]}, mine[0], "the state “é”", "a state may be anything."),
        ({"code": code}, "", "no state where none is expected", empty),
        ({"code": code, "state": [""]}, "", "an empty state where none is expected", empty),
        ({"code": code, "state": mine + other}, mine[0], "two states", pick),
        ({"code": code, "state": other + mine}, mine[0], "two states", pick),
        ({"error": denied, "state": mine}, mine[0], "error=access_denied", "Alice said no."),
        (
            {"error": denied, "code": code, "state": mine},
            mine[0],
            "an error and a code together",
            "an error is a no, whatever else is there.",
        ),
        ({"state": mine}, mine[0], "no code", "there is nothing to exchange."),
        ({"code": [""], "state": mine}, mine[0], "an empty code", "nothing to exchange."),
        ({"code": [*code, "code-M9"], "state": mine}, mine[0], "two codes", pick),
        ({}, mine[0], "an empty query", "anybody can open the callback's address."),
    ):
        got = _read(read_callback, query, expected, given)
        want(
            isinstance(got, ValueError),
            f"for {given}, your function returned {got!r}, but a ValueError was wanted: {reason}",
        )
    forged = _read(read_callback, {"error": denied, "state": other}, mine[0], "a forged denial")
    real = _read(read_callback, {"error": denied, "state": mine}, mine[0], "a denial")
    want(
        str(forged) != str(real),
        "a denial with another state gets the same sentence as Alice's own. Look at the state "
        "first: what comes with a wrong one was not said by Alice, whatever it says.",
    )
    return (
        "Alice's own answer gets through, and nothing else. Nobody can attach their account to "
        "her chat, and nobody can say no in her name."
    )


def _read(
    read_callback: Callable[[dict[str, list[str]], str], str],
    query: dict[str, list[str]],
    expected: str,
    given: str,
) -> object:
    """Return what the learner's function returned, or the ValueError it raised."""
    try:
        return read_callback({name: list(values) for name, values in query.items()}, expected)
    except ValueError as error:
        text = str(error)
        why = f"for {given}, the ValueError came without a sentence that says why."
        want(" " in text or given == "an honest answer", why)
        secrets = [*query.get("code", ()), *query.get("state", ())]
        want(
            not any(value in text for value in secrets if len(value) > 1),
            f"for {given}, the sentence repeats a code or a state. Leave it out: sentences like "
            "this end in logs.",
        )
        return error
    except (NotImplementedError, NotYet):
        raise
    except Exception as error:
        digest = "non-ASCII" in str(error) or "combination of types" in str(error)
        help = " compare_digest takes bytes: use .encode()." if digest else ""
        raise NotYet(
            f"for {given}, your function stopped with {type(error).__name__}: "
            f"{str(error).rstrip('.')}. Wanted was the code, or a ValueError with a sentence.{help}"
        ) from error
