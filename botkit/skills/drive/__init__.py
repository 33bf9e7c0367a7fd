"""The Google Drive skill: say in a chat what changes in a Drive that someone bound to it.

Start with `skill.py`, then `watch.py`, which says what happens when.  `lease.py` lets one thread at
a time look after a Drive, `channels.py` keeps Google's notifications coming, `changes.py` turns the
log of changes into sentences, and `api.py` sends the requests.
"""
