"""Other processes of this installation, as those who must not get in each other's way see them.

Without Redis there are none: `Alone`. With it they are known by their heartbeats (`cluster`).
"""

from __future__ import annotations

from typing import Protocol


def process_of(owner: str) -> str:
    """The process in an owner's name: `<process>/<number>`."""
    return owner.partition("/")[0]


class Peers(Protocol):
    @property
    def alone(self) -> bool:
        """Whether other processes are out of the question, so that owners of earlier starts are gone."""

    def sure(self) -> bool:
        """Whether the others can be taken to know that we are alive."""

    async def alive(self, process: str) -> bool:
        """Whether that process may be at work. True also where nobody can tell at the moment."""

    async def claim_run(self, run: str) -> bool:
        """Take a run in hand; False when another live process has it. It saves work only."""

    def drop_run(self, run: str) -> None:
        """The run is no longer in our hand."""

    async def run_elsewhere(self, run: str) -> bool:
        """Whether another live process has that run in hand."""


class Alone:
    """One process, which is replaced and never rolled: whoever was here before it is gone."""

    alone = True

    def sure(self) -> bool:
        return True

    async def alive(self, process: str) -> bool:
        return False

    async def claim_run(self, run: str) -> bool:
        return True

    def drop_run(self, run: str) -> None:
        return None

    async def run_elsewhere(self, run: str) -> bool:
        return False
