"""Run an authorization server on Authlib: what all practice services have in common.

`server.py` is the server, `grants.py` has the two grants and revocation, `ledger.py` keeps what is
remembered, `pairs.py` keeps the usual tokens, and `pages.py` shows the consent page.  A service
extends these classes with its own habits: start with `botkit/practice/teapot/`, which has the
fewest.

Whether a code, a verifier, a secret or a redirect URI is right is decided by Authlib's server
framework, which is not ours.  So one misreading of the protocol cannot hide in the client and in
its practice partner at the same time.
"""

from botkit.practice.oauth.grants import CodeGrant, RefreshGrant, Revocation, S256Always
from botkit.practice.oauth.ledger import App, Code, Ledger, Token
from botkit.practice.oauth.pages import ConsentPages, render_page
from botkit.practice.oauth.pairs import PairLedger, TokenPair, answer_with
from botkit.practice.oauth.request import Request, basic_header
from botkit.practice.oauth.server import OAuthServer

__all__ = [
    "App",
    "Code",
    "CodeGrant",
    "ConsentPages",
    "Ledger",
    "OAuthServer",
    "PairLedger",
    "RefreshGrant",
    "Request",
    "Revocation",
    "S256Always",
    "Token",
    "TokenPair",
    "answer_with",
    "basic_header",
    "render_page",
]
