"""Everything that only the lessons need: the kit, its people, and the checks of the exercises.

Start with `kit.py`: `Kit` is what `botkit.start()` returns.  `people.py` has Alice, Bob and
Mallory, `check/` has one file for each lesson's exercise, `lab.py` has the bots of lesson 08, and
`presenter/` shows the trip to a room.

Nothing is imported before it is asked for: `check.environment()` must be able to say which package
is missing.
"""
