"""A practice browser: it keeps cookies, follows redirects, and reads pages."""

from botkit.practice.browser.browser import Browser, Page

__all__ = ["Browser", "Page"]
