"""The practice world: real HTTP servers on loopback that behave like the real services.

Nothing in here imports the rest of botkit, and the rest of botkit (except `kit`) imports nothing
from here.  So a protocol that one side has misread cannot be misread in the same way by the other.
"""
