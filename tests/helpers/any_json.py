"""Whatever a server may send: strategies of hypothesis for values, fields and headers."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from sizes import Size

EXAMPLES = Size(60, nightly=3_000)  # of each property

# No deadline and no health check: a busy computer is no fault of what is tested.
thoroughly = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=EXAMPLES < 1_000,
    suppress_health_check=list(HealthCheck),
)

ODD_TEXTS = ("", "0", "-1", "1e400", "NaN", "9" * 400, "None", "null", "2026-11-24T09:00:00Z")
ODD_TEXTS += ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "\ud800", "\x00", "a" * 400)
ODD_TEXTS += ("[/code]", "![:Person](1)", "\u202ealice", "x\ny", "999999999999999", "٣")
ODD_NUMBERS = (0, -1, 10**30, -(10**30), 1e308, 0.5, float("inf"), float("-inf"), float("nan"))

texts = st.sampled_from(ODD_TEXTS) | st.text(max_size=30)
numbers = st.sampled_from(ODD_NUMBERS) | st.integers() | st.floats()
scalars = st.none() | st.booleans() | numbers | texts


def values(*names: str) -> st.SearchStrategy[Any]:
    """Any value of JSON, whose objects have these members more often than others."""
    keys = (st.sampled_from(names) | texts) if names else texts
    return st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=5),
        max_leaves=12,
    )


def fields(*names: str) -> st.SearchStrategy[dict[str, Any]]:
    """An object of JSON with some of these members, each of any kind."""
    return st.dictionaries(st.sampled_from(names), values(*names), max_size=len(names))
