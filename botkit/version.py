"""The version of botkit.  It is written here only: `pyproject.toml` and the User-Agent read it."""

__version__ = "0.2.0"
