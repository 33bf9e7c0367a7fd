"""Run a bot: in practice, live, or in several processes; and look after it.

Start with `running.py`: `Running` is a bot whose missing services are replaced by practice ones.
`serve.py` is `python -m botkit serve`, and the app for gunicorn.  `server.py` is the web server
under it, `address.py` chooses the public address, and `tunnel.py` opens a tunnel to it.
`maintenance.py` keeps a bot in order and says how it is, and `doctor/` says whether everything is
ready.

Not here: anything that only a lesson needs (`botkit.lessons`).

Nothing is imported before it is asked for: `doctor/` must be able to say which package is missing.
"""
