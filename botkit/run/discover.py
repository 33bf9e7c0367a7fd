"""Print the description of a service that publishes its addresses: `python -m botkit discover`.

Start with `describe_issuer`.  What the service does not say is marked in a comment.  A person reads
the description once and keeps it, so a live bot asks nobody for its own addresses.
"""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from botkit.oauth import fetch_metadata, is_loopback, read_metadata

API = "where the API begins: see the service's documentation"
SCOPES = "the smallest that do the work"
KNOWN_SCOPES = 12  # of those that a service lists, so many are shown
ASK = """\
        # Does the service want something in the link for a refresh token? Then, for example:
        # authorize_params={"access_type": "offline"},"""
ENDS = 'Or "connection", if other connections of the person stay'


def word_of(issuer: str) -> str:
    """Return a word for a service, made of its host: `gitlab` for https://gitlab.com."""
    host = urlsplit(issuer).hostname or ""
    labels = host.split(".")
    if len(labels) < 2 or is_loopback(host):
        return "service"
    named = labels[-3] if len(labels) > 2 and len(labels[-2]) <= 3 else labels[-2]
    word = "".join(letter for letter in named.lower() if letter.isascii() and letter.isalnum())
    return word if word.isidentifier() and not keyword.iskeyword(word) else "service"


def describe_issuer(issuer: str) -> str:
    """Return the Python code of a description.

    Raises `DiscoveryError` or `ProviderUnreachable`.
    """
    issuer = issuer.rstrip("/")
    word = word_of(issuer)
    said = fetch_metadata(issuer, word.capitalize())
    fields = read_metadata(said, issuer, name=word.capitalize(), scopes=("openid",))
    return _code(word, issuer, fields, said.get("scopes_supported"))


def _code(word: str, issuer: str, fields: Mapping[str, Any], known: Any) -> str:
    revocation = fields.get("revocation")
    urls = [fields["authorize_url"], fields["token_url"], fields.get("account_url")]
    urls += [revocation["url"]] if revocation else []
    # What goes into an f-string is code, and it comes from somebody else.
    below = re.compile(re.escape(issuer) + r"/[A-Za-z0-9/._~-]*")
    home = all(below.fullmatch(url) for url in urls if url)

    def shown(url: str) -> str:
        if not home:
            return json.dumps(url)
        return f'f"{{server}}{url.removeprefix(issuer)}"' if url != issuer else "server"

    server = f", server={json.dumps(issuer)}" if home else ""
    openid = "account_url" in fields
    lines = [
        "from botkit import Provider" + (", Revocation" if revocation else ""),
        "",
        "",
        f"def {word}(client_id, client_secret{server}):",
        "    return Provider(",
        f"        name={json.dumps(word.capitalize())},",
        "        client_id=client_id,",
        "        client_secret=client_secret,",
        f"        authorize_url={shown(fields['authorize_url'])},",
        f"        token_url={shown(fields['token_url'])},",
        f"        api_url={shown(issuer + '/api') if home else json.dumps(issuer)},  # {API}",
        f"        scopes=({json.dumps('openid') + ',' if openid else ''}),  # {SCOPES}",
        *_scopes(known),
        f"        client_auth={json.dumps(fields['client_auth'])},",
        f"        issuer={shown(fields['issuer'])},",
    ]
    lines += ["        sends_issuer=True,"] if fields["sends_issuer"] else []
    lines += [ASK]
    if openid:
        lines += [
            f"        account_url={shown(fields['account_url'])},",
            f"        account_id_field={json.dumps(fields['account_id_field'])},",
            f"        account_name_field={json.dumps(fields['account_name_field'])},",
        ]
    else:
        lines += ["        # Which address says whose account it is? Add account_url."]
    if revocation:
        lines += [
            "        revocation=Revocation(",
            '            method="POST",',
            f"            url={shown(revocation['url'])},",
            '            field="token",',
            '            encoding="form",',
            f"            client_auth={json.dumps(revocation['client_auth'])},",
            f'            ends="everything",  # {ENDS}',
            "        ),",
        ]
    return "\n".join([*lines, "    )"])


def _scopes(known: Any) -> list[str]:
    """Return a comment with the scopes that the service lists."""
    if not isinstance(known, list):
        return []
    names = [one for one in known if isinstance(one, str) and one.isprintable() and len(one) < 80]
    more = ["..."] if len(names) > KNOWN_SCOPES else []
    shown = ", ".join([*names[:KNOWN_SCOPES], *more])
    return [f"        # It knows: {shown}"] if shown else []
