"""Run a bot: in practice mode, live, or in several processes; and look after it.

Start with `running.py`: `Running` is a bot, with a practice service instead of each one that is not
live.  `serve.py` is `python -m botkit serve`, also what happens after a restart, and the app for
gunicorn; `gunicorn.py` is gunicorn's configuration.  `server.py` is the web server, `address.py`
chooses the public address, and `tunnel.py` opens a tunnel to it.  `watch.py` watches all the time
whether the chat still delivers.  `maintenance.py` repairs what needs it once a day, `status.py`
shows the bots and their connections, and `administration.py` does what only the owner decides.
`doctor/` says whether everything is ready.

Not here: anything that only a lesson needs (`botkit.lessons`).

Nothing is imported before it is needed, because `doctor/` must be able to say which package is
missing.
"""
