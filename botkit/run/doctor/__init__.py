"""Say whether everything is ready: `python -m botkit doctor`.

Start with `examine`, which lesson 11 also calls.  The doctor only looks.  Every line that says what
is wrong also says what to do.  No secret is shown, and neither is its length.

`computer.py` looks at this computer, `systems.py` at the settings, `place.py` at the bot's address.
`database.py` and `services.py` look at what takes longer, and `visits.py` does both in threads.
`questions.py` has what is asked of a service, and `report.py` what is returned.

Only the standard library is imported at the top, because one of the first lines says which package
is missing.
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
    """Examine, and write the result.

    Return the exit status: 0 if nothing is wrong, else 1.  For the parameters, see `examine`.
    """
    report = examine(environment=environment, env_file=env_file)
    write(report.json if as_json else repr(report))
    return 0 if report.ready else 1


def examine(
    *,
    environment: Mapping[str, str] | None = None,
    env_file: Path | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Diagnosis:
    """Look at this computer, the settings, the database and the services.

    `environment` and `env_file` are as for `botkit.settings.load_settings`.  `now` is the clock.
    It takes about two seconds, and more if a service does not answer.
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
    """Yield the checks that need the packages."""
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
    yield from place.processes(environment)
    yield from visits.of_the_database()
    yield tunnel
    yield from visits.of_the_services()
