"""The presenter's view: the trip of lesson 01 on a projector, one arrow for each press of a key.

The chat, the person's browser and a drawing of the trip stand side by side.  Nothing is replayed:
`gate.py` holds the messages themselves back until the presenter lets them go, `story.py` says in a
sentence what each of them is, `mount.py` brings the kit's servers under the one address of the
view, so that its script may read and click in their pages, `door.py` lets in only who calls the
view by its own name, and `view.py` puts it together.
"""
