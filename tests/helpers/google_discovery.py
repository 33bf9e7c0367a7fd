"""Google's own description of its APIs, and a small judge of what conforms to it.

The discovery documents come from the package google-api-python-client, which carries a copy.
Only what the practice Google needs of their schema language is understood here.
"""

from __future__ import annotations

import json
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

Schema = dict[str, Any]
FILES = {"drive": "drive.v3.json", "oauth2": "oauth2.v2.json", "sheets": "sheets.v4.json"}
_FORMATS = {
    "int64": r"-?\d{1,19}",
    "date-time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)",
}
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "array": (list,),
    "object": (dict,),
}


def documents() -> dict[str, Schema] | None:
    """The documents by the name of their API; None where the package is not installed."""
    package = find_spec("googleapiclient")
    if package is None or package.origin is None:
        return None
    folder = Path(package.origin).parent / "discovery_cache" / "documents"
    return {api: json.loads((folder / name).read_text("utf-8")) for api, name in FILES.items()}


class Discovery:
    """One document."""

    def __init__(self, document: Schema) -> None:
        self.document = document
        self.parameters = set(document["parameters"])

    def method(self, method_id: str) -> Schema:
        """`drive.files.list` is methods/list of resources/files."""
        _, *resources, name = method_id.split(".")
        place = self.document
        for resource in resources:
            place = place["resources"][resource]
        method: Schema = place["methods"][name]
        assert method["id"] == method_id
        return method

    def path(self, method: Schema) -> str:
        return f"/{self.document['servicePath']}{method['path']}"

    def wrong(self, value: Any, schema: Schema, where: str = "") -> list[str]:
        """What in `value` the schema does not declare."""
        if "$ref" in schema:
            return self.wrong(value, self.document["schemas"][schema["$ref"]], where)
        kind = schema["type"]
        if kind == "any":
            return []
        right_type = isinstance(value, _TYPES[kind])
        if not right_type or (isinstance(value, bool) and kind != "boolean"):
            return [f"{where} is no {kind}"]
        if kind == "object":
            return [
                line
                for name, each in value.items()
                for line in self._wrong_member(name, each, schema, f"{where}.{name}")
            ]
        if kind == "array":
            lines = [self.wrong(each, schema["items"], f"{where}[]") for each in value]
            return [line for found in lines for line in found]
        if "enum" in schema and value not in schema["enum"]:
            return [f"{where} is none of {schema['enum']}"]
        pattern = _FORMATS.get(schema.get("format", ""))
        if kind == "string" and pattern and not re.fullmatch(pattern, value):
            return [f"{where} is no {schema['format']}"]
        return []

    def _wrong_member(self, name: str, value: Any, schema: Schema, where: str) -> list[str]:
        declared = schema.get("properties", {}).get(name) or schema.get("additionalProperties")
        return self.wrong(value, declared, where) if declared else [f"{where} is not declared"]

    def unknown_fields(self, fields: dict[str, Any], schema: Schema, where: str = "") -> list[str]:
        """Which names of a tree of fields the schema does not have."""
        while "$ref" in schema or schema.get("type") == "array":
            schema = (
                self.document["schemas"][schema["$ref"]] if "$ref" in schema else schema["items"]
            )
        lines = []
        for name, below in fields.items():
            declared = schema.get("properties", {}).get(name)
            if declared is None:
                lines.append(f"{where}/{name}")
            elif below:
                lines += self.unknown_fields(below, declared, f"{where}/{name}")
        return lines
