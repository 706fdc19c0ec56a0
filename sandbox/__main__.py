"""`python -m sandbox`: serve the emulators until Ctrl-C, all on one port and mail on another; print what
points a client at them."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import shlex
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import uvicorn

from sandbox import credentials
from sandbox.app import Sandbox, build, environment, write_lines
from sandbox.world import World


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description="Slack, Zoom, Statuspage and Port, emulated with state over real HTTP, and a mailbox "
        "that speaks SMTP. All credentials are fake.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port", type=int, default=8900, help="port to listen on; 0 takes a free one (default: %(default)s)"
    )
    parser.add_argument(
        "--smtp-port", type=int, default=0, help="port that takes mail (default: 0, a free one)"
    )
    parser.add_argument("--seed", type=int, default=1, help="makes ids and chance reproducible")
    parser.add_argument("--kind", action="store_true", help="switch all hostile habits off")
    parser.add_argument("--env-file", type=Path, help="also write the environment lines to this file")
    parser.add_argument("--ready-file", type=Path, help="written with the address once it answers")
    parser.add_argument(
        "--retry-scale",
        type=float,
        default=1.0,
        help="divides the minutes between retries of webhooks (default: %(default)s)",
    )
    parser.add_argument("--quiet", action="store_true", help="print nothing")
    return parser.parse_args(given)


class _Server(uvicorn.Server):
    """uvicorn's server, which says when it answers and leaves signals alone."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to `serve`: uvicorn would raise them again once it is done."""
        yield


def listen(host: str, port: int) -> socket.socket:
    """A bound socket. Raises OSError when the address is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    return listener


def lines(env: dict[str, str]) -> list[str]:
    """The environment as lines that a shell can source."""
    return [f"export {name}={shlex.quote(value)}" for name, value in env.items()]


async def serve(sandbox: Sandbox, listener: socket.socket, chosen: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM; the exit code."""
    address, port = listener.getsockname()[:2]
    near = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)
    base = f"http://{f'[{near}]' if ':' in near else near}:{port}"
    sandbox.at(base)
    try:
        smtp_port = await sandbox.mail.start(chosen.host, chosen.smtp_port)
    except OSError as taken:
        print(f"can't take mail on {chosen.host}:{chosen.smtp_port}: {taken.strerror}", file=sys.stderr)
        return 1
    env = environment(base, near, smtp_port)
    # A call that is held or delayed must not keep the process from ending.
    config = uvicorn.Config(sandbox.app, log_level="warning", lifespan="off", timeout_graceful_shutdown=1)
    server = _Server(config, lambda: tell(env, chosen))

    def stop() -> None:
        server.should_exit = True

    loop = asyncio.get_running_loop()
    for sign in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(sign, stop)
    await server.serve(sockets=[listener])
    await sandbox.close()
    return 0


def tell(env: dict[str, str], chosen: argparse.Namespace) -> None:
    base = env["SANDBOX_URL"]
    if chosen.env_file:
        write_lines(chosen.env_file, lines(env))
    if not chosen.quiet:
        print(f"# Sandbox at {base}: console {base}/console, control {base}/_sandbox")
        print("# Point any client at it with these lines; Ctrl-C ends it.")
        print("\n".join(lines(env)))
        print("# The integration wants an address of its own as well, e.g. where `make run` serves:")
        print("# export OCEAN__BASE_URL=http://127.0.0.1:8000")
        print(f"# Socket Mode is switched on at {base}/_sandbox/slack/socket-mode; its app token is")
        print(f"# {credentials.SLACK_APP_TOKEN}. All the rest: docs/sandbox.md", flush=True)
    if chosen.ready_file:
        write_lines(chosen.ready_file, [base])


def main(given: list[str] | None = None) -> int:
    chosen = arguments(given)
    if chosen.retry_scale <= 0:
        print("--retry-scale: a number above 0 is needed", file=sys.stderr)
        return 2
    try:
        listener = listen(chosen.host, chosen.port)
    except OSError as taken:
        print(f"can't listen on {chosen.host}:{chosen.port}: {taken.strerror}", file=sys.stderr)
        return 1

    async def run() -> int:
        sandbox = build(World(chosen.seed), kind=chosen.kind)
        sandbox.slack.deliverer.retry_scale = chosen.retry_scale
        return await serve(sandbox, listener, chosen)

    return asyncio.run(run())


if __name__ == "__main__":
    sys.exit(main())
