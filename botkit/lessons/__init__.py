"""Start the kit of the lessons, and check the exercises.

Start with `kit.py`: `Kit` is what `botkit.start()` returns.  `people.py` has the people of the
practice chat, and `check/` has one module for the exercise of each lesson.  `lab.py` has what
lesson 08 needs, `comparison.py` has the table of lesson 09, and `presenter/` shows the trip on a
projector.

Nothing is imported before it is needed, because `check.environment()` must be able to say which
package is missing.
"""
