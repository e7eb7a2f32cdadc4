"""/docs: the API read from its own description, made here; nothing is loaded from anywhere else."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from service.web.errors import PageRoute
from service.web.site import Arriving

router = APIRouter(route_class=PageRoute, include_in_schema=False)

BODIES = ("application/json", "multipart/form-data")


@dataclass(frozen=True, slots=True)
class Input:
    """A parameter or a field of a body: where it stands (path, query, body), its type, whether it must be there."""

    name: str
    place: str
    type: str
    is_needed: bool


@dataclass(frozen=True, slots=True)
class Call:
    """A route."""

    method: str
    path: str
    summary: str
    inputs: tuple[Input, ...]


@dataclass(frozen=True, slots=True)
class ApiPage:
    """All routes, noun by noun."""

    version: str
    nouns: tuple[tuple[str, tuple[Call, ...]], ...]


@router.get("/docs")
def api_page(guest: Arriving, request: Request) -> Response:
    """The description of the API, for reading; for programs it is /openapi.json."""
    described: dict[str, Any] = request.app.openapi()
    nouns: dict[str, list[Call]] = {}
    for path, item in described["paths"].items():
        for method, operation in item.items():
            noun = (operation.get("tags") or ["health"])[0]
            inputs = tuple(_inputs(operation, described.get("components", {}).get("schemas", {})))
            said = operation.get("description") or operation.get("summary", "")
            nouns.setdefault(noun, []).append(Call(method.upper(), path, said, inputs))
    page = ApiPage(str(described["info"]["version"]), tuple((noun, tuple(calls)) for noun, calls in nouns.items()))
    return guest.plain("entry/api.html", page)


def _inputs(operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> Iterator[Input]:
    for each in operation.get("parameters", []):
        if each["in"] in ("path", "query"):
            yield Input(each["name"], each["in"], _type(each.get("schema", {}), schemas), bool(each.get("required")))
    content = operation.get("requestBody", {}).get("content", {})
    for media in BODIES:
        body = _resolved(content.get(media, {}).get("schema", {}), schemas)
        needed = body.get("required", [])
        for name, schema in body.get("properties", {}).items():
            yield Input(name, "body", _type(schema, schemas), name in needed)


def _resolved(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    return schemas.get(name, {}) if name else schema


def _type(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(_type(each, schemas) for each in schema["anyOf"]))
    if schema.get("type") == "array":
        return f"[{_type(schema.get('items', {}), schemas)}]"
    found = _resolved(schema, schemas)
    return str(schema.get("format") or found.get("type") or "any")
