"""Name a file that hides a module which botkit needs.

Python looks for modules in the folder of a notebook first.  So a file of one's own that is named
like Python's module `secrets` is imported instead of it, and botkit would fail somewhere with a
riddle.  Where that happens, `refuse_hiding_file` is called.

Hardly anything is imported here, because it may be hidden, too.
"""

import os
import sys

# Modules of Python and packages that botkit, or what it imports, cannot do without.
NEEDED = frozenset(
    """
    abc argparse ast asyncio atexit base64 bdb bisect calendar cmd codecs collections colorsys
    concurrent configparser contextlib contextvars copy copyreg csv ctypes dataclasses datetime
    decimal difflib dis email enum fcntl filecmp fnmatch fractions functools gc getpass gettext
    glob graphlib gzip hashlib heapq hmac html http imaplib imp importlib inspect io ipaddress
    itertools json keyword linecache locale logging math mimetypes multiprocessing netrc numbers
    opcode operator os pathlib pdb pickle pkgutil platform pprint queue quopri random re reprlib
    resource sched secrets select selectors shlex shutil signal site smtplib socket socketserver
    sqlite3 ssl stat statistics string struct subprocess symtable sysconfig tarfile tempfile
    textwrap threading time timeit token tokenize tomllib traceback types typing unicodedata
    unittest urllib uuid warnings weakref webbrowser wsgiref xml zipfile zlib zoneinfo
    authlib botkit bs4 cryptography dotenv flask itsdangerous jinja2 pyngrok pytest requests
    sqlalchemy urllib3 waitress wcwidth werkzeug yaml
    """.split()  # noqa: SIM905 -- a list would be as long as a page
)


def hiding_file() -> str:
    """Return the file that hides a needed module from this process, or an empty string."""
    first = os.path.abspath(sys.path[0] or os.getcwd()) if sys.path else ""
    ours = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    try:
        names = sorted(os.listdir(first)) if first != ours else []
    except OSError:
        return ""
    for name in names:
        module, path = name.removesuffix(".py"), os.path.join(first, name)
        if module in NEEDED and (name.endswith(".py") or _is_package(path)):
            loaded = getattr(sys.modules.get(module), "__file__", None)
            if module not in sys.modules or (loaded and os.path.abspath(loaded).startswith(path)):
                return path
    return ""


def _is_package(path: str) -> bool:
    return os.path.isfile(os.path.join(path, "__init__.py"))


def refuse_hiding_file() -> None:
    """Raise `ImportError`, with the name of the file, if a needed module is hidden.

    `python -m botkit` imports botkit before it can catch an error, so there the sentence ends the
    process.  A file of that very name is run instead of ours, and nothing here can tell of it.
    """
    if path := hiding_file():
        sentence = f"{what_it_hides(path)} Give it another name"
        if sys.argv[:1] == ["-m"]:
            raise SystemExit(f"{sentence}.")
        raise ImportError(f"{sentence}, then restart the kernel.")


def what_it_hides(path: str) -> str:
    """Return a sentence about a file that `hiding_file` has found."""
    module = os.path.basename(path).removesuffix(".py")
    return f"The file {path} hides the module {module} that botkit needs."
