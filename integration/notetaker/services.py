"""Which services of the catalogue a message names. Precision before recall: a wrong tag misleads.

A service is named by its identifier, its title or an alias, however it is written: `payment-gateway`,
`PaymentGateway`, "Payment Gateway". Not by a part of something longer: `checkout-db` is not `checkout`,
nor is checkout.example.com; a pod or replica set of it (`checkout-7d9f8b6c5-x2x4z`) is.

Names that are ordinary words ("search", "api", "web") count only where something says that a service is
meant: code marks, capitals as in the title in mid-sentence, a word such as service, pod or database after it,
or that it is down, slow or back. A name that two services bear means neither, unless it is the identifier
of one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

_READ = 4000  # characters
_MOST = 20  # services of one message
_LONGEST = 6  # words of a name
_SHORTEST = 3  # characters of a name that counts without code marks
# Words of any script with what joins them inside a name; addresses are not read.
_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*://\S+|\S+@\S+", re.I)
_WORD = re.compile(r"(?P<tick>`)?(?P<word>[^\W_]+(?:[-_./:][^\W_]+)*)(?(tick)`?)")
_JOINTS = re.compile(r"[-_./:\s]+|(?<=[a-z0-9])(?=[A-Z])")
_POD = re.compile(
    r"(?:-(?=[a-z0-9]*\d)[a-z0-9]{6,10})?-[a-z0-9]{5}$|-(?=[a-z0-9]*\d)[a-z0-9]{8,10}$|-\d{1,3}$"
)
_SENTENCE = re.compile(r"(?:^|[.!?:\n]\s*|[-•*>]\s+)$")
_BESIDE = """
service services svc app application apps server servers pod pods deployment deployments database db
cluster container containers component instance instances replica replicas queue worker workers team
namespace microservice backend endpoint endpoints host hosts node nodes job jobs repo repository
"""
_COMPANIONS = frozenset(_BESIDE.split())
_POINTING = frozenset(
    {"the", "a", "an", "this", "that", "our", "your", "my", "their", "no", "any", "some", "git"}
)
# An ordinary word that is in this state stands for a service.
_ILL = re.compile(
    r"\s+(?:(?:is|are|was|were|went|seems|keeps) (?:\w+ ){0,2}?(?:down|failing|slow|broken|unavailable|"
    r"unreachable|degraded|erroring|crashing|timing out|back|up again|healthy)|latency|error rate|errors\b|"
    r"(?:returns?|throws?) \w*5\d\d)",
    re.I,
)
# What people also say when they mean no service of that name.
_ALSO = """
access account accounts action actions admin agent alert alerts analytics api app application apps
assets audit auth authentication backend backup base batch billing blog board booking bot box bridge
browser build cache calendar cart case cases catalog catalogue channel chat check checkout checks ci
client clients cloud cluster code comms common compute config connect connector console contact content
control core cron customer customers dashboard data database db default delivery demo deploy deployment
desktop dev device devices directory dns docs document documents domain download edge email engine entry
error errors event events export external feature feed feedback file files finance flow form forms forum
front frontend function gateway general graph group groups health help home host hub image images import
inbox incident index infra infrastructure input insights internal inventory invoice invoices issue
issues item items job jobs key keys lab ledger library link list live load local log logger logging
login logs mail main manager map market match media member members menu message messages messaging
metadata metrics mobile model monitor monitoring network news node notes notification notifications
office operations ops order orders output page pages panel partner pay payment payments people photo
pipeline platform player plan policy pool portal post pricing print private process product production
products profile profiles project prod proxy public push query queue rate reader receiver recorder
redirect region register registry relay release report reporting reports request requests resource
resources response review reviews router routes rules runner sales sandbox schedule scheduler search
secret secrets security sender server service services session sessions settings share shared shell
shipping shop sign signal site sites source staging stage state static stats status stock storage store
stream subscription support survey switch sync system systems table tag task tasks team teams template
terminal test testing ticket tickets time timeline token tools tracker tracking traffic training
transfer transport trigger upload user users vault version video view voice wallet web webhook webhooks
website wiki worker workers workflow write
"""
ORDINARY = frozenset(_ALSO.split())


@dataclass(frozen=True)
class ServiceNames:
    """The names of all services. `known`: identifier by words of a name; `plain`: those of one ordinary word,
    with the way the catalogue writes them."""

    known: Mapping[tuple[str, ...], str] = field(default_factory=dict)
    plain: Mapping[tuple[str, ...], frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, services: Iterable[tuple[str, Sequence[str]]]) -> ServiceNames:
        """From (identifier, other names of it) of every service."""
        by_identifier: dict[tuple[str, ...], set[str]] = {}
        by_name: dict[tuple[str, ...], set[str]] = {}
        written: dict[tuple[str, ...], set[str]] = {}
        for identifier, names in services:
            for name in (identifier, *names):
                words = _words(name)
                if not words or len(words) > _LONGEST or not any(map(str.isalpha, "".join(words))):
                    continue
                (by_identifier if name is identifier else by_name).setdefault(words, set()).add(identifier)
                written.setdefault(words, set()).add(name.strip())
        known: dict[tuple[str, ...], str] = {}
        for found in (by_name, by_identifier):
            for words, owners in found.items():
                if len(owners) == 1:
                    known[words] = next(iter(owners))
                elif words in known:
                    del known[words]
        plain: dict[tuple[str, ...], frozenset[str]] = {
            words: frozenset(written[words])
            for words in known
            if len(words) == 1 and (words[0] in ORDINARY or len(words[0]) < _SHORTEST)
        }
        return cls(known, plain)

    def found(self, text: str) -> tuple[str, ...]:
        """Identifiers of the services that the text names, in order, each once, at most 20."""
        if not self.known:
            return ()
        head = _ADDRESS.sub(" ", text[:_READ])
        words = [(match, _words(match["word"])) for match in _WORD.finditer(head)]
        found: dict[str, None] = {}
        at = 0
        while at < len(words) and len(found) < _MOST:
            taken, identifier = self._at(head, words, at)
            if identifier:
                found.setdefault(identifier)
            at += taken
        return tuple(found)

    def _at(
        self, text: str, words: Sequence[tuple[re.Match[str], tuple[str, ...]]], at: int
    ) -> tuple[int, str]:
        """(how many words the name takes, whose it is), the longest name that begins here."""
        best, owner = 1, ""
        parts: tuple[str, ...] = ()
        for end in range(at, min(at + _LONGEST, len(words))):
            if end > at and text[words[end - 1][0].end() : words[end][0].start()].strip(" "):
                break  # something stands between them: no name goes over it
            parts += words[end][1]
            identifier = self.known.get(parts, "")
            if identifier and (parts not in self.plain or self._meant(text, words, at, end, parts)):
                best, owner = end - at + 1, identifier
        if not owner:
            match = words[at][0]
            whole = match["word"]
            pod = _POD.sub("", whole.lower())
            if pod != whole.lower() and (match["tick"] or "-" in whole):
                owner = self.known.get(_words(pod), "")
        return best, owner

    def _meant(
        self,
        text: str,
        words: Sequence[tuple[re.Match[str], tuple[str, ...]]],
        at: int,
        end: int,
        parts: tuple[str, ...],
    ) -> bool:
        """Whether an ordinary word stands for the service here."""
        match = words[at][0]
        if match["tick"]:
            return True
        beside = [words[near][1] for near in (at - 1, end + 1) if 0 <= near < len(words)]
        after = words[end + 1][0].start() - match.end() if end + 1 < len(words) else 0
        if len(beside) and end + 1 < len(words) and after <= 1 and beside[-1][0] in _COMPANIONS:
            return beside[-1][0] not in parts
        alone = text[: match.start()].rstrip().rpartition(" ")[2].casefold() not in _POINTING
        if alone and _ILL.match(text, match.end()):
            return True
        as_written = match["word"] in self.plain[parts] and match["word"] != match["word"].lower()
        return as_written and _SENTENCE.search(text[: match.start()]) is None


def _words(name: str) -> tuple[str, ...]:
    return tuple(part.casefold() for part in _JOINTS.split(name.strip()) if part)
