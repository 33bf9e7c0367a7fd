"""What goes wrong with a tunnel: ngrok's errors as sentences, with what to do."""

from __future__ import annotations

import re

from botkit.errors import TunnelError

TOKEN_PAGE = "https://dashboard.ngrok.com/get-started/your-authtoken"
_BAD_TOKEN = (
    "ngrok does not accept this authtoken.",
    f"It may be cut off or have been reset: copy the whole of it from {TOKEN_PAGE}.",
)

_KNOWN = {  # https://ngrok.com/docs/errors: what happened, and what to do
    "ERR_NGROK_105": _BAD_TOKEN,
    "ERR_NGROK_107": _BAD_TOKEN,
    "ERR_NGROK_334": (
        "This public address is in use already.",
        "Close the other tunnel that uses it (perhaps in another notebook), or choose another.",
    ),
    "ERR_NGROK_4018": (
        "ngrok wants to know whose tunnel this is, and got no authtoken.",
        f"Make a free account, copy the authtoken from {TOKEN_PAGE} and set NGROK_AUTHTOKEN.",
    ),
}


def explain(error: Exception | None, late: bool) -> TunnelError:
    """Put pyngrok's error into words.  Its own text may contain the authtoken and is left out."""
    from pyngrok.exception import PyngrokNgrokHTTPError, PyngrokNgrokURLError

    said = getattr(error, "ngrok_error", None) or getattr(error, "body", None) or ""
    code = re.search(r"ERR_NGROK_\d+", said)
    if code:
        page = f"https://ngrok.com/docs/errors/{code[0].lower()}"
        unknown = ("ngrok refused to open the tunnel.", f"{page} says what it means.")
        happened, advice = _KNOWN.get(code[0], unknown)
        return TunnelError(f"{happened} ({code[0]})", advice=advice)
    if isinstance(error, PyngrokNgrokHTTPError):
        happened = "The ngrok agent refused to open this tunnel."
        advice = "Check the address that you asked for. If it is right, update ngrok."
    elif said:
        happened = "The ngrok agent cannot reach ngrok."
        advice = "Check the network connection; a firewall or a proxy may block the agent."
    elif late or isinstance(error, PyngrokNgrokURLError):
        happened = "The ngrok agent did not answer in time."
        advice = "Try again. If it happens again, look whether a virus scanner stops ngrok."
    else:
        happened = "The ngrok program could not be started."
        advice = "Check that the path leads to ngrok, and that you may execute it."
    return TunnelError(happened, advice=advice)
