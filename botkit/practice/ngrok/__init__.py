"""The practice ngrok agent, which pyngrok takes for ngrok's own.  Start with `agent.py`."""

from botkit.practice.ngrok.agent import write_launcher

__all__ = ["write_launcher"]
