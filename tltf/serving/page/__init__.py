"""The demo page: files without a build step, and what they ask the server."""

import pathlib
from typing import Any

from starlette import requests, responses, routing, staticfiles

from tltf.serving import models, version

FILES = pathlib.Path(__file__).parent / "files"
_HEADERS = {
    "content-security-policy": "default-src 'self'; img-src 'self' blob: data:",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}


def routes() -> list[routing.BaseRoute]:
    """Returns the routes of the page."""

    async def index(request: requests.Request) -> responses.Response:
        return responses.FileResponse(FILES / "index.html", headers=_HEADERS)

    return [
        routing.Route("/", index),
        routing.Mount("/ui", staticfiles.StaticFiles(directory=FILES)),
    ]


def listed(held: models.Models) -> routing.Route:
    """Returns the route that tells the models that are served, and their classes.

    TensorFlow Serving has none like it; clients ask it for the names of classes.
    """

    async def told(request: requests.Request) -> responses.Response:
        return responses.JSONResponse(
            [_model(held, name) for name in held.names()], headers=_HEADERS
        )

    return routing.Route("/tltf/models.json", told)


def _model(held: models.Models, name: str) -> dict[str, Any]:
    ready = held.ready(name)
    return {
        "name": name,
        "labels": held.labels(name),
        "versions": [_version(ready[n].version) for n in sorted(ready, reverse=True)],
    }


def _version(loaded: version.Version) -> dict[str, Any]:
    default = loaded.signatures.get(version.DEFAULT)
    return {
        "number": loaded.number,
        "inputs": sorted(default.inputs) if default else [],
        "classes": _classes(loaded.card),
        "about": loaded.card.get("intended_use", ""),
    }


def _classes(card: dict[str, Any]) -> dict[str, list[str]]:
    """Class names by part; of a model without parts under ""."""
    if "parts" in card:
        return {name: part.get("labels", []) for name, part in card["parts"].items()}
    return {"": card["labels"]} if "labels" in card else {}
