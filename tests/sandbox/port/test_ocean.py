"""The framework itself, `ocean sail` as a process, starts against the sandbox and completes a resync."""

from __future__ import annotations

import asyncio
import os
import sys
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from starlette.routing import Router

from sandbox.credentials import PORT_CLIENT_ID, PORT_CLIENT_SECRET
from sandbox.port.engine import Engine
from sandbox.port.service import Port
from sandbox.world import World
from tests.sandbox.serve import serve, until

FILES = {
    "pyproject.toml": """
        [project]
        name = "shelf"
        version = "0.1.0"
    """,
    ".port/spec.yaml": """
        type: shelf
        description: things on a shelf
        icon: Box
        features: []
        configurations: []
    """,
    ".port/resources/blueprints.json": """
        [{"identifier": "shelf", "title": "Shelf", "schema": {"properties": {}}},
         {"identifier": "thing", "title": "Thing",
          "schema": {"properties": {"weight": {"type": "number"}}, "required": ["weight"]},
          "relations": {"shelf": {"target": "shelf", "required": false, "many": false}},
          "mirrorProperties": {"shelfTitle": {"path": "shelf.$title"}}}]
    """,
    ".port/resources/port-app-config.yaml": """
        createMissingRelatedEntities: true
        resources:
          - kind: thing
            selector: {query: "true"}
            port:
              entity:
                mappings:
                  identifier: .id
                  title: .id
                  blueprint: '"thing"'
                  properties: {weight: .weight}
                  relations: {shelf: .shelf}
    """,
    "main.py": """
        from port_ocean.context.ocean import ocean

        @ocean.on_resync("thing")
        async def things(kind):
            yield [{"id": f"thing-{n}", "weight": n, "shelf": "upper"} for n in range(25)]
            yield [{"id": "odd", "weight": "heavy", "shelf": "upper"}]
    """,
}


@asynccontextmanager
async def sailing(folder: Path, base: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`ocean sail` of the throw-away integration; ended by SIGKILL."""
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "OCEAN__PORT__BASE_URL": f"{base}/port",
        "OCEAN__PORT__CLIENT_ID": PORT_CLIENT_ID,
        "OCEAN__PORT__CLIENT_SECRET": PORT_CLIENT_SECRET,
        "OCEAN__INTEGRATION__IDENTIFIER": "my-shelf",
        "OCEAN__INTEGRATION__TYPE": "shelf",
        "OCEAN__EVENT_LISTENER__TYPE": "POLLING",
        "OCEAN__EVENT_LISTENER__INTERVAL": "1",
        "OCEAN__PROCESSING_MODE": "ocean-core",
        "OCEAN__CACHING_STORAGE_MODE": "memory",
        "OCEAN__BASE_URL": "http://127.0.0.1:1",
        "APPLICATION__PORT": "0",
        "APPLICATION__ENABLE_HTTP_LOGGING": "false",
    }
    code = (
        "import sys; sys.argv = ['ocean', 'sail', '.']; from port_ocean.cli.cli import cli_start; cli_start()"
    )
    log = (folder / "ocean.log").open("wb")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, cwd=folder, env=environment, stdout=log, stderr=log
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        log.close()


async def test_resync_of_the_real_framework(tmp_path: Path) -> None:
    """Defaults are provisioned, entities arrive, the resync is reported, and no route was missing."""
    world = World()
    port = Port(world)
    Engine(port)
    async with serve(Router(port.routes())) as base, sailing(tmp_path, base) as process:

        def status() -> str | None:
            if process.returncode is not None:
                pytest.fail((tmp_path / "ocean.log").read_text()[-4000:])
            installed = port.store.integrations.get("my-shelf", {})
            state = installed.get("resyncState", {}).get("status")
            return state if state in ("completed", "failed") else None

        assert await until(status, 90, "the resync") == "completed"

        things = port.store.entities["thing"]
        assert {f"thing-{n}" for n in range(25)} == set(things)
        assert port.entities.show(things["thing-3"])["properties"]["weight"] == 3
        assert list(port.store.entities["shelf"]) == ["upper"]
        source = port.store.datasources[("thing", "thing-3")]
        assert source.startswith("port-ocean/shelf/")
        assert source.endswith("/my-shelf/exporter")

        port.integrations.request_resync("my-shelf")
        await until(
            lambda: [e.operation for e in world.journal].count("entities.datasource") >= 2,
            20,
            "second resync",
        )
    missing = {f"{e.method} {e.path}" for e in world.journal if e.operation == "unknown"}
    assert missing == set()
