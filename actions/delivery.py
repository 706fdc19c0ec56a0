"""Sending one thing to many destinations: each on its own, each with its own outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from actions.base import Kit
from integration.claim import Claim
from integration.entities import text_hash
from integration.errors import BadInput, IncidentCommsError
from integration.models.communication import Step
from integration.models.incident import Incident, WarRoom
from integration.models.run import Command, Outcome
from integration.times import now

_NOTHING: Mapping[str, str] = {}
SAME_WITHIN = timedelta(minutes=10)  # the same words to the same readers within this time are one message


@dataclass
class Sent:
    """What became of one step."""

    step: Step
    problem: str = ""
    already: bool = False
    link: str = ""


def words_key(incident: str, purpose: str, *about: str) -> str:
    """Key of a message in free words: what it says, to whom, about which incident."""
    return f"{incident}:{purpose.replace(' ', '-')}:{text_hash(chr(31).join(about))[:16]}"


async def claim_words(
    kit: Kit,
    steps: Sequence[Step],
    command: Command,
    again: bool,
    passed: Callable[[Claim], bool] = lambda claim: False,
) -> list[Claim]:
    """Claim messages in free words. Whoever presses for them has what is unknown looked for, and then done
    where it can be read.

    The same words count as the same message for ten minutes; later they are a new one, and so are they where
    `passed` says of the earlier ones that they are past. `again` makes a message of this run's own, so that a
    redelivered or resumed run still sends it once.
    """
    if again:
        own = [
            step.model_copy(update={"key": f"{step.key}:again:{command.run}", "replaces": step.key})
            for step in steps
        ]
        return await kit.performer.intend(own, insist=command.by_person)
    claims = await kit.performer.intend(steps, insist=command.by_person)
    return list(
        await asyncio.gather(
            *(_latest(kit, step, claim, passed) for step, claim in zip(steps, claims, strict=True))
        )
    )


async def _latest(kit: Kit, step: Step, claim: Claim, passed: Callable[[Claim], bool]) -> Claim:
    """The claim that stands for these words now. What this very run has sent is never old to it."""
    base, number = step.key, 1
    while claim.done and claim.step.run != step.run and (_is_old(claim) or passed(claim)):
        number += 1
        step = step.model_copy(update={"key": f"{base}:{number}", "replaces": step.key})
        (claim,) = await kit.performer.intend([step])
    return claim


def _is_old(claim: Claim) -> bool:
    return claim.intended_at is not None and now() - claim.intended_at > SAME_WITHIN


async def deliver(
    kit: Kit,
    claims: Sequence[Claim],
    room: WarRoom | None,
    run: str,
    overtaken: Mapping[str, str] = _NOTHING,
) -> list[Sent]:
    """Carry all claims out, destinations side by side, the parts for one of them in order.

    One that fails holds no other destination up. `room` is the incident's war room, where it has one: the
    communications are shown with it. `run` is the one that wants it; what another has sent, also while this
    one was at it, was `already` sent. `overtaken`: keys of what is not to be sent any more, with the reason.
    """
    by_destination: dict[str, list[Claim]] = {}
    for claim in claims:
        by_destination.setdefault(claim.step.destination, []).append(claim)

    async def in_order(parts: list[Claim]) -> list[Sent]:
        return [await _deliver(kit, claim, run, overtaken.get(claim.step.key, "")) for claim in parts]

    done = await asyncio.gather(*(in_order(parts) for parts in by_destination.values()))
    if room is not None:
        kit.performer.relate(claims, room.identifier)
    return [one for parts in done for one in parts]


async def _deliver(kit: Kit, claim: Claim, run: str, overtaken: str) -> Sent:
    ended = claim.verdict in ("again", "unknown")  # so whoever has sent it since, it was not this run
    try:
        if overtaken:
            await kit.performer.abandon([claim], overtaken, "superseded")
            if not claim.done:
                return Sent(claim.step, problem=overtaken)
        receipt = await kit.performer.perform(claim)
    except IncidentCommsError as problem:
        return Sent(claim.step, problem=str(problem))
    already = not claim.acted and (ended or not run or claim.step.run != run)
    return Sent(claim.step, already=already, link=receipt.permalink)


def outcome(what: str, results: Sequence[Sent], problems: Sequence[str] = ()) -> Outcome:
    """How the run ends: a sentence that counts, a line for each destination.

    A run with a failure among its destinations ends as a failure; running it again reaches only those
    that have not got it.
    """
    sent = [one for one in results if not one.problem and not one.already]
    already = [one for one in results if one.already]
    failed = [one for one in results if one.problem]
    told = []
    if sent:
        told.append(f"sent to {len(sent)}")
    if already:
        told.append(f"{len(already)} had it already")
    if failed or problems:
        told.append(f"{len(failed) + len(problems)} not sent")
    log = [_line(one) for one in results] + list(problems)
    why = "; ".join([one.problem for one in failed] + list(problems))
    summary = f"{what}: {', '.join(told) or 'nobody to send to'}." + (f" {why}" if why else "")
    ok = not failed and not problems
    label = (
        "Sent" if sent and ok else "Already sent" if already and ok else "Partly sent" if sent else "Not sent"
    )
    links = tuple(dict.fromkeys(one.link for one in results if one.link))
    return Outcome(ok=ok, summary=summary, label=label, links=links, log=tuple(log))


def _line(one: Sent) -> str:
    where = f"{one.step.audience + ': ' if one.step.audience else ''}{one.step.destination}"
    if one.problem:
        return f"✘ {where}: {one.problem}"
    return f"✔ {where}: {'already sent' if one.already else 'sent'} {one.link}".rstrip()


def identifiers(command: Command, name: str) -> list[str]:
    """An input that is a list of entities (identifiers, or the objects Port sends). Raises BadInput."""
    value = command.inputs.get(name)
    found: list[str] = []
    for item in value if isinstance(value, list) else [value]:
        one = item.get("identifier") if isinstance(item, dict) else item
        if isinstance(one, str) and one:
            found.append(one)
        elif item is not None:
            raise BadInput(name, f"expected entities, got {type(item).__name__}")
    return list(dict.fromkeys(found))


def flag(command: Command, name: str, default: bool | None = None) -> bool:
    """A yes-or-no input. Raises BadInput when it is neither, or missing without a default."""
    value = command.inputs.get(name)
    if value is None and default is not None:
        return default
    if not isinstance(value, bool):
        raise BadInput(name, "choose yes or no")
    return value


def check_private(command: Command, incident: Incident) -> None:
    """Raises BadInput when words about a private incident are to leave its room and nobody has said that
    they may."""
    if incident.private and not flag(command, "includePrivate", default=False):
        raise BadInput(
            "includePrivate",
            f"{incident.identifier} is private: choose yes to tell these audiences all the same",
        )


def choice(command: Command, name: str, allowed: Sequence[str], default: str = "") -> str:
    """One of `allowed`. Raises BadInput naming them."""
    value = command.inputs.get(name) or default
    if value not in allowed:
        raise BadInput(name, f"{value!r} is none of {', '.join(allowed)}")
    return str(value)
