"""Show the trip of lesson 01 on a projector, one arrow for each key press.

The chat, the person's browser and a drawing of the trip are side by side.  Nothing is replayed.

Start with `view.py`, which puts everything together.  `gate.py` holds the messages back until the
presenter releases them.  `captions.py` has the words for each message.  `mount.py` serves the kit's
servers under the view's address, so that its script can read and click in their pages.
`host_guard.py` refuses requests for another host name.  `screen.py` opens a browser.
"""
