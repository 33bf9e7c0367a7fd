"""What the errors of a database mean, in words for a person and for whoever runs the bot."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import SQLAlchemyError, StatementError

from botkit.errors import DatabaseBusy, DatabaseReadOnly, StorageError


@contextmanager
def clear_errors() -> Iterator[None]:
    """Turn the database driver's errors into ours, which a person can read."""
    try:
        yield
    except SQLAlchemyError as error:
        plain = _in_plain_words(error)
        plain.add_note(f"The database said: {_without_values(error)}")
        raise plain from None  # the other traceback is some hundred lines long and says no more


def _without_values(error: SQLAlchemyError) -> str:
    """The first line of what the driver said; what else the error holds of the row is dropped.

    Below that line PostgreSQL may quote the whole row, and so a token.
    """
    said = ""
    for one in (error, getattr(error, "orig", None)):
        if one is not None:
            said = str(one.args[0] if one.args else type(one).__name__).partition("\n")[0]
            one.args = (said, *one.args[1:])
    if isinstance(error, StatementError):
        error.params = None
    return said


def _in_plain_words(error: SQLAlchemyError) -> StorageError:
    driver = getattr(error, "orig", None) or error
    # PostgreSQL gives a code, which is the same in every language; SQLite has only words.
    # https://www.postgresql.org/docs/current/errcodes-appendix.html
    text = str(getattr(driver, "sqlstate", None) or driver).lower()

    def says(*words: str) -> bool:
        return any(word in text for word in words)

    if getattr(driver, "sqlstate", "") is None or says("57p"):
        return StorageError(
            "The database does not answer.",
            advice="The owner of this bot must check that its server runs, and that the address, "
            "the name and the password for it are right.",
        )
    if says("readonly", "read-only", "25006", "42501"):
        return DatabaseReadOnly("The database cannot be written.")
    if says("locked", "busy", "55p03", "40p01", "queuepool limit"):
        return DatabaseBusy("The database is busy with somebody else's work.")
    if says("unable to open"):
        return StorageError(
            "The database file cannot be opened.",
            advice="The owner of this bot must make its folder, bring the file back, or name "
            "another one.",
        )
    if says("is full", "disk i/o", "53100", "58030"):
        return StorageError(
            "The database could not be written to its disk.",
            advice="The owner of this bot must see whether the disk is full. Then try again.",
        )
    if says("no such table", "42p01"):
        return StorageError(
            "The database does not have the tables yet.",
            advice="The owner of this bot must set up the database.",
        )
    return StorageError("The database did not do what was asked.")
