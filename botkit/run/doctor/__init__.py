"""Is everything ready?  What `python -m botkit doctor` says, and the first cell of lesson 11.

The doctor looks and changes nothing.  Every line that says what is wrong says what to do.  No
secret is shown, and neither is its length.

Nothing outside of the standard library is imported at the top, for one of the first lines says
which package is missing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from botkit.run.doctor import computer
from botkit.run.doctor.report import Check, Diagnosis, note, ok, wrong

__all__ = ["Check", "Diagnosis", "examine", "run"]

COMPUTER = ("python", "packages", "server", "disk", "practice")  # as lesson 00 asks


def run(
    *,
    as_json: bool = False,
    environment: Mapping[str, str] | None = None,
    env_file: Path | None = None,
    write: Callable[[str], object] = print,
) -> int:
    """Examine, and write the report.  Returns the exit status: 0 if nothing is wrong, else 1."""
    report = examine(environment=environment, env_file=env_file)
    write(report.json if as_json else repr(report))
    return 0 if report.ready else 1


def examine(
    *,
    environment: Mapping[str, str] | None = None,
    env_file: Path | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Diagnosis:
    """Look at this computer, the settings, and the database and services that they name.

    `environment` and `env_file` are as for `botkit.settings.load_settings`; `now` is our clock.
    Takes about two seconds, and some more where a service does not answer.
    """
    found = [
        wrong(name, sentence, "\n".join(fix)) if fix else ok(name, sentence)
        for name, (sentence, fix) in zip(COMPUTER, computer.environment().found, strict=True)
    ]
    if any(check.state == "wrong" for check in found[:2]):
        return Diagnosis(
            [*found, note("rest", "The rest was not looked at: it needs the first two.")]
        )
    given = os.environ if environment is None else environment
    return Diagnosis([*found, *_rest(given, env_file, now)])


def _rest(
    environment: Mapping[str, str], env_file: Path | None, now: Callable[[], datetime]
) -> Iterator[Check]:
    """Everything that needs the packages."""
    from botkit.run.doctor import place, systems
    from botkit.run.doctor.visits import Visits

    yield systems.versions()
    reading = systems.read(environment, env_file)
    settings = reading.settings
    where = place.find_bot_address(reading, environment)
    visits = Visits(settings, where, now)  # these take their time, all at once
    tunnel = place.tunnel(where)

    yield from reading.checks
    yield from systems.systems(reading)
    yield systems.key(reading)
    yield place.address(where)
    if settings.chatbot:
        yield place.change(where, visits.webhooks())
    yield from place.registrations(where)
    yield place.port(reading)
    yield from visits.of_the_database()
    yield tunnel
    yield from visits.of_the_services()
