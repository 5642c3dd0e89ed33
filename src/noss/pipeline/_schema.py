"""JSON Schemas of dataclasses, and what is wrong with facts that do not keep one, in a line."""

from __future__ import annotations

import json
import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, Final, Literal, NoReturn, Union, get_args, get_origin, get_type_hints

from noss.errors import DataError

SCHEMA: Final = "schema.json"  # the file of a schema, beside those that keep it
_PLAIN: Mapping[Any, Mapping[str, Any]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    type(None): {"type": "null"},
    Any: {},
}


def schema_of(kind: type, *, title: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a dataclass: every field typed, none unknown, those without a default required."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **_of_class(kind)}


def complaint(facts: Any, schema: Mapping[str, Any]) -> str | None:
    """The first thing wrong with facts, in words, with the place where it is; None where they keep the schema."""
    from jsonschema import Draft202012Validator

    errors = sorted(Draft202012Validator(schema).iter_errors(facts), key=lambda error: list(map(str, error.path)))
    return _in_words(errors[0]) if errors else None


def parse(text: str, where: str) -> Any:
    """Facts from JSON text, in which every number is finite and no name stands twice.

    Raises:
        DataError: It is not JSON, or holds NaN, an infinity, or a name twice; the message says where.
    """

    def not_finite(word: str) -> NoReturn:
        raise DataError(f"{where} holds {word}, which is no number: leave the row out, or score the model again")

    def number(word: str) -> float:
        value = float(word)
        return value if abs(value) < float("inf") else not_finite(word)

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in pairs:
            if name in found:
                raise DataError(f"{where} has {name!r} twice: keep one of the two")
            found[name] = value
        return found

    try:
        return json.loads(text, parse_constant=not_finite, parse_float=number, object_pairs_hook=once)
    except ValueError as error:
        raise DataError(f"{where} is not JSON ({error}): give one whole object") from error


def read_text(path: Path) -> str:
    """The text of a file.

    Raises:
        DataError: It cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read ({error}): give a text file in UTF-8") from error


def _of_class(kind: type) -> dict[str, Any]:
    hints = get_type_hints(kind)
    needed = [one.name for one in fields(kind) if one.default is MISSING and one.default_factory is MISSING]
    return {
        "type": "object",
        "properties": {one.name: _of(hints[one.name]) for one in fields(kind)},
        "required": needed,
        "additionalProperties": False,
    }


def _of(hint: Any) -> dict[str, Any]:
    origin, inner = get_origin(hint), get_args(hint)
    if hint in _PLAIN:
        return dict(_PLAIN[hint])
    if isinstance(hint, type) and is_dataclass(hint):
        return _of_class(hint)
    if origin is Literal:
        return {"enum": list(inner)}
    if origin in {Union, types.UnionType}:
        return {"anyOf": [_of(one) for one in inner]}
    if origin in {list, Sequence}:
        return {"type": "array", "items": _of(inner[0])}
    if origin is tuple:
        return {
            "type": "array",
            "prefixItems": [_of(one) for one in inner],
            "minItems": len(inner),
            "maxItems": len(inner),
        }
    assert origin in {dict, Mapping}, f"{hint} has no JSON Schema here"
    return {"type": "object", "additionalProperties": _of(inner[1])}


def _in_words(error: Any) -> str:
    place = "/".join(map(str, error.absolute_path))
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        unknown = sorted(error.instance.keys() - error.schema["properties"].keys())
        return f"has the unknown field {'/'.join([*filter(None, [place]), unknown[0]])!r}"
    if error.validator == "required":
        missing = next(name for name in error.schema["required"] if name not in error.instance)
        return f"lacks the field {'/'.join([*filter(None, [place]), missing])!r}"
    return f"has {_short(error.instance)} as {place!r}, and needs {_wanted(error.schema)}" if place else "is no object"


def _wanted(schema: Mapping[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_wanted(one) for one in schema["anyOf"])
    if "enum" in schema:
        return f"one of {', '.join(map(str, schema['enum']))}"
    if "prefixItems" in schema:
        return f"a list of {len(schema['prefixItems'])}"
    words = {"string": "text", "boolean": "true or false", "integer": "a whole number", "number": "a number"}
    words |= {"null": "null", "array": "a list", "object": "an object"}
    return words[schema["type"]]


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:37]}..."
