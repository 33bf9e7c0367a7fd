"""The RingCentral assistant: ask about a RingCentral account, and change a few settings.

Start with `skill.py`, then `facts.py`, the table of all questions.  `commands.py` reads what people
say, `edits.py` has the changes, `answers.py` words what RingCentral returns, and `api.py` sends the
requests.
"""
