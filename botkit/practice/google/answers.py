"""Check the token and parameters of a call to Google's APIs, and word the errors.

`endpoint` turns a function into a method of an API: it is called only when the token is alive, one
of its scopes opens the method, and every parameter is known.

Sources: Google's pages "Resolve errors" (Drive), "Return specific fields" (partial responses), and
bodies of errors as users of Google have quoted them in bug reports.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, jsonify, request

from botkit.practice.google.ledger import AccessToken, GoogleLedger
from botkit.practice.google.methods import METHODS, SYSTEM_PARAMETERS, Method

Json = dict[str, Any]
Fields = dict[str, "Fields"]
View = Callable[..., Any]

_STATUS = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED"}
_STATUS[404] = "NOT_FOUND"
_CREDENTIAL = (
    "Expected OAuth 2 access token, login cookie or other valid authentication credential. "
    "See https://developers.google.com/identity/sign-in/web/devconsole-project."
)


class GoogleApiError(Exception):
    """Raised to refuse a call.  `entry` is what Drive says of it in `errors`, beside the message.

    `message` is Google's sentence; `short` another one for `errors`, where Google has two.
    """

    def __init__(
        self, code: int, message: str, reason: str = "badRequest", *, short: str = "", **entry: str
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.entry = {"domain": "global", "reason": reason, "message": short or message, **entry}
        self.details: list[Json] = []

    def body(self, service: str) -> Json:
        """Drive lists `errors` and names a `status` when it is about the token; Sheets does the
        opposite."""
        error: Json = {"code": self.code, "message": self.message}
        if service == "drive":
            error["errors"] = [self.entry]
        if service != "drive" or self.code == 401 or self.details:
            error["status"] = _STATUS.get(self.code, "UNKNOWN")
        if self.details:
            error["details"] = self.details
        return {"error": error}


def wrong_parameter(name: str, message: str, reason: str = "invalid") -> GoogleApiError:
    return GoogleApiError(400, message, reason, location=name, locationType="parameter")


def endpoint(
    blueprint: Blueprint,
    ledger: GoogleLedger,
    method_id: str,
    view: View,
    known: Fields,
    short: str = "*",
) -> None:
    """Serve `view(token, **path parameters)` as the method of that name in `METHODS`.

    `known` are the fields that `view` may answer with, `short` those that are sent when the request
    names none.  A `Response` is sent as it is.
    """
    method = METHODS[method_id]

    def answer(**path: str) -> Response:
        try:
            token = _permitted(ledger, method)
            _check_parameters(method)
            wanted = _wanted(known, short)
            body = view(token, **path)
        except GoogleApiError as error:
            return error_response(error, method.service)
        return body if isinstance(body, Response) else jsonify(_pick(body, wanted))

    name = method.id.replace(".", "_")
    blueprint.add_url_rule(method.path, name, answer, methods=[method.http])


def error_response(error: GoogleApiError, service: str) -> Response:
    response = jsonify(error.body(service))
    response.status_code = error.code
    if error.code == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="https://accounts.google.com/"'
    return response


def _permitted(ledger: GoogleLedger, method: Method) -> AccessToken:
    scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
    place = {"location": "Authorization", "locationType": "header"}
    if not scheme:
        missing = f"Request is missing required authentication credential. {_CREDENTIAL}"
        raise GoogleApiError(401, missing, "required", short="Login Required.", **place)
    token = ledger.live_access(credential.strip())
    if token is None or scheme.lower() != "bearer":
        invalid = f"Request had invalid authentication credentials. {_CREDENTIAL}"
        raise GoogleApiError(401, invalid, "authError", short="Invalid Credentials", **place)
    if not method.scopes & set(token.scopes):
        message = "Request had insufficient authentication scopes."
        error = GoogleApiError(
            403, message, "insufficientPermissions", short="Insufficient Permission"
        )
        error.details = [
            {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
                "domain": "googleapis.com",
                "metadata": {"service": f"{method.service}.googleapis.com"},
            }
        ]
        raise error
    return token


def _check_parameters(method: Method) -> None:
    for name in request.args:
        if name not in method.parameters | SYSTEM_PARAMETERS[method.service]:
            raise GoogleApiError(
                400,
                f'Invalid JSON payload received. Unknown name "{name}": Cannot bind query '
                f"parameter. Field '{name}' could not be found in request message.",
            )
    for name in sorted(method.required):
        if not request.args.get(name):
            raise wrong_parameter(name, f"Required parameter: {name}", "required")


# ---- parameters and bodies ---------------------------------------------------------------------


def integer(name: str, default: int, most: int) -> int:
    """Return a whole number from 1; what is above `most` counts as `most`."""
    sent = request.args.get(name, str(default))
    if not re.fullmatch(r"-?\d{1,9}", sent):
        raise wrong_parameter(name, f"Invalid value at '{name}' (TYPE_INT32), \"{sent}\"")
    if int(sent) < 1:
        message = f"Invalid value '{sent}'. Values must be within the range: [1, {most}]"
        raise wrong_parameter(name, message, "invalidParameter")
    return min(int(sent), most)


def boolean(name: str, default: bool) -> bool:
    sent = request.args.get(name, str(default).lower())
    if sent not in ("true", "false"):
        raise wrong_parameter(name, f"Invalid value at '{name}' (TYPE_BOOL), \"{sent}\"")
    return sent == "true"


def choice(name: str, *values: str) -> str:
    """Return one of the `values`; the first is the default."""
    sent = request.args.get(name, values[0])
    if sent not in values:
        raise wrong_parameter(name, f"Invalid value at '{name}', \"{sent}\"")
    return sent


def json_object(members: Mapping[str, type | tuple[type, ...]]) -> Json:
    """Return the request's body: an object with none but these members, each of its type."""
    body = request.get_json(silent=True) if request.get_data() else {}
    if not isinstance(body, dict):
        raise GoogleApiError(
            400, "Invalid JSON payload received. Expected an object.", "parseError"
        )
    for name, value in body.items():
        if name not in members:
            unknown = f'Unknown name "{name}": Cannot find field.'
            raise GoogleApiError(400, f"Invalid JSON payload received. {unknown}")
        if not isinstance(value, members[name]):
            raise GoogleApiError(400, f"Invalid value at '{name}'", "invalid")
    return body


# ---- fields ------------------------------------------------------------------------------------


def parse_fields(mask: str) -> Fields:
    """`files(id,owners/emailAddress)` as {"files": {"id": {}, "owners": {"emailAddress": {}}}}.

    Raises `ValueError` for what is no mask.
    """
    top: Fields = {}
    level, name = top, top
    above: list[Fields] = []
    for piece in re.findall(r"[^(),/.]+|.", mask):
        if piece == "(":
            above.append(level)
            level = name
        elif piece == ")":
            level = name = above.pop() if above else _no_mask(mask)
        elif piece == ",":
            name = level
        elif piece not in "/.":
            name = name.setdefault(piece.strip(), {})
    return _no_mask(mask) if above else top


def _no_mask(mask: str) -> Any:
    raise ValueError(f"This is no mask: {mask}")


def _wanted(known: Fields, short: str) -> Fields:
    """Return what the parameter `fields` asks for; a name that is not known is refused."""
    try:
        wanted = parse_fields(request.args.get("fields") or short)
        _check_fields(wanted, known)
    except ValueError as error:
        message = f"Invalid field selection {error}"
        raise wrong_parameter("fields", message, "invalidParameter") from error
    return wanted


def _check_fields(wanted: Fields, known: Fields) -> None:
    for name, below in wanted.items():
        if name != "*":
            if name not in known:
                raise ValueError(name)
            _check_fields(below, known[name])


def _pick(value: Any, wanted: Fields) -> Any:
    if not wanted or "*" in wanted:
        return value
    if isinstance(value, list):
        return [_pick(each, wanted) for each in value]
    return {name: _pick(each, wanted[name]) for name, each in value.items() if name in wanted}
