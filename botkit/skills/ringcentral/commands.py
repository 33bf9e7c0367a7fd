"""Reduce what people say to the words that count.

`What is my Timezone?` becomes `time zone`, which is how the tables of facts and edits spell it.
"""

from __future__ import annotations

WORDS_AROUND = """
    a an the i me my our you your of for to please
    show tell give get view have can is are
    what what's what’s which
"""
FILLERS = frozenset(WORDS_AROUND.split())
# Other spellings of the same word.
SAME = {
    "timezone": "time zone",
    "time-zone": "time zone",
    "e-mail": "email",
    "e-mails": "email",
    "emails": "email",
    "callerid": "caller id",
    "caller-id": "caller id",
    "dnd": "do not disturb",
}


def normalize(text: str) -> str:
    """Return a command in lower case, without punctuation and fillers, in our spelling."""
    words = (word.strip(".,:;!?") for word in text.lower().split())
    return " ".join(SAME.get(word, word) for word in words if word and word not in FILLERS)
