"""Visit pages as a person's browser does: with cookies, redirects, forms and buttons.

Start with `browser.py`.
"""

from botkit.practice.browser.browser import Browser, Page

__all__ = ["Browser", "Page"]
