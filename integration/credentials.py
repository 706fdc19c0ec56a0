"""Secrets people paste in a hurry: found for the guards, masked before a note goes anywhere.

A short list of forms that are unmistakable, each with the place where its owner documents it or, where
there is no such place, the habit it comes from; and the forms that `detect-secrets` knows. It over-masks
rather than lets one through, but leaves ordinary words, hashes, identifiers and addresses alone: a note
must stay useful. Customers add their own patterns by setting.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from detect_secrets.plugins.aws import AWSKeyDetector
from detect_secrets.plugins.azure_storage_key import AzureStorageKeyDetector
from detect_secrets.plugins.base import RegexBasedDetector
from detect_secrets.plugins.discord import DiscordBotTokenDetector
from detect_secrets.plugins.gitlab_token import GitLabTokenDetector
from detect_secrets.plugins.mailchimp import MailchimpDetector
from detect_secrets.plugins.pypi_token import PypiTokenDetector
from detect_secrets.plugins.square_oauth import SquareOAuthDetector
from detect_secrets.plugins.stripe import StripeDetector
from detect_secrets.plugins.telegram_token import TelegramBotTokenDetector
from detect_secrets.plugins.twilio import TwilioKeyDetector

MASK = "(masked)"  # stays one piece inside an address

# A group called `keep` stays; everything else that matched goes.
_FORMS: tuple[re.Pattern[str], ...] = tuple(
    re.compile(pattern, flags)
    for pattern, flags in (
        # Private keys, also cut off ones (RFC 7468, PGP armour).
        (
            r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]{0,40}-----|\Z)",
            re.S,
        ),
        # Slack tokens and incoming webhooks (docs.slack.dev/authentication/tokens).
        (r"\bxox[a-z](?:\.[a-z]+)?-[\w.-]{8,}|\bxapp-[\w-]{8,}", re.I),
        (r"(?P<keep>https://hooks\.slack\.com/(?:services|workflows|triggers)/)[\w/+-]+", 0),
        # GitHub and GitLab (their documents on token formats).
        (
            r"\bgh[pousr]_\w{16,}|\bgithub_pat_\w{16,}|\bgl(?:pat|dt|rt|cbt|ptt|agent|soat|ft|"
            r"imt)-[\w-]{16,}",
            0,
        ),
        # AWS key ids; secret keys are found by their name below.
        (r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b", 0),
        # Google API keys and OAuth tokens.
        (r"\bAIza[\w-]{35}|\bya29\.[\w-]{16,}|\bGOCSPX-[\w-]{16,}", 0),
        # Stripe, OpenAI, Anthropic, SendGrid, npm, PyPI, Docker, DigitalOcean, Hugging Face,
        # Atlassian, Grafana.
        (r"\b[srp]k_(?:live|test)_\w{10,}|\bwhsec_\w{16,}|\bsk-[A-Za-z][\w-]{19,}|\bsk-\w{32,}", 0),
        (r"\bSG\.[\w-]{16,}\.[\w-]{16,}|\bnpm_\w{30,}|\bpypi-[\w-]{40,}|\bdckr_pat_[\w-]{20,}", 0),
        (r"\bdo[opr]_v1_[0-9a-f]{32,}|\bhf_\w{30,}|\bATATT3\w[\w=.-]{30,}|\bgls[ac]_\w{20,}", 0),
        # JSON Web Tokens (RFC 7519): three base64url parts, the first two beginning with an object.
        (r"(?<![\w-])eyJ[\w-]{6,}\.eyJ[\w-]{4,}\.[\w-]*", 0),
        # HTTP credentials in headers, also in curl lines (RFC 6750, RFC 7617).
        (r"(?P<keep>\b(?:bearer|basic)\s+)(?=[\w.~+/-]*[\d._~+/-])[\w.~+/-]{16,}=*", re.I),
        (
            r"(?P<keep>\bauthorization[\"']?\s*[:=]\s*[\"']?(?:(?:bearer|basic|token|"
            r"apikey)\s+)?)[^\s\"',]{8,}",
            re.I,
        ),
        (r"(?P<keep>\bcurl\b[^\n]{0,200}?\s(?:-u|--user)\s+[\"']?[^\s:\"']{1,100}:)[^\s\"']+", 0),
        # Passwords in addresses (RFC 3986 userinfo) and secrets in query strings, signed URLs among them.
        (r"(?P<keep>\b[a-z][a-z0-9+.-]{1,20}://[^\s/@:]{0,100}:)[^\s/@]{1,200}(?=@)", re.I),
        (
            r"(?P<keep>[?&](?:[\w-]{0,30}(?:token|secret|password|passwd|signature|api[_-]?key|"
            r"access[_-]?key)"
            r"|sig|pwd|zak)=)[^&#\s|>\"']{4,}",
            re.I,
        ),
        # `password is "hunter2"`: in prose only what stands in quotes.
        (
            r"(?P<keep>\b(?:password|passphrase|passcode|token|api key|secret)\s(?:is|was|=)\s[\"'`])"
            r"(?=[^\s\"'`]{0,80}[\d!@#%^&+/=_])[^\s\"'`]{6,80}(?=[\"'`])",
            re.I,
        ),
        # `password: hunter2`, `export AWS_SECRET_ACCESS_KEY=...`, `"apiKey": "..."`. The value must follow a
        # sign, so that prose ("the password is wrong") stays; a reference ($X, {{ x }}, <x>) is no secret.
        (
            r"(?P<keep>\b[\w-]{0,40}(?:password|passwd|passphrase|secret|token|api[_-]?key|access[_-]?key|"
            r"private[_-]?key|credentials?)(?:[_-](?:access[_-])?(?:key|id|value))?[\"']?\s?(?:=|:=|"
            r":)\s?[\"']?)"
            r"(?![$<{\[*(]|(?:true|false|null|none)\b|//)(?=\S*[\d!@#%^&+/=_-])[^\s\"',;`]{6,}",
            re.I,
        ),
    )
)
# Every form needs one of these; a text without any is not searched further.
_HINT = re.compile(
    r"-----BEGIN|xox[a-z]|xapp-|hooks\.slack|gh[pousr]_|github_pat|gl[a-z]{2,5}-|A[KSBC][IC]A|AIza|ya29|"
    r"GOCSPX|"
    r"[srp]k_|whsec_|sk-|SG\.|npm_|pypi-|dckr_|_v1_|hf_|ATATT|gls[ac]_|eyJ|bearer|basic|authorization|curl|"
    r"://[^\s/]*@|[?&][\w-]*=|pass|secret|token|key|credential",
    re.I,
)


# What detect-secrets knows beyond that. Left out are its guesses by entropy and by key words, which take
# prose and hashes for secrets, and whatever calls a provider: nothing here leaves the process.
_DETECTORS: tuple[RegexBasedDetector, ...] = (
    AWSKeyDetector(),
    AzureStorageKeyDetector(),
    DiscordBotTokenDetector(),
    GitLabTokenDetector(),
    MailchimpDetector(),
    PypiTokenDetector(),
    SquareOAuthDetector(),
    StripeDetector(),
    TelegramBotTokenDetector(),
    TwilioKeyDetector(),
)
_LONG = re.compile(r"[\w+/=.:-]{24}")
"""None of those is shorter."""


def found(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of every secret in `text`, in no order; they may overlap."""
    if _HINT.search(text):
        for form in _FORMS:
            for match in form.finditer(text):
                start = match.end("keep") if "keep" in form.groupindex else match.start()
                yield start, match.end()
    if _LONG.search(text):
        for detector in _DETECTORS:
            for known in detector.denylist:
                for match in known.finditer(text):
                    # One group, where a form has any, is the value behind a name.
                    yield match.span(match.lastindex or 0)


def mask(text: str, extra: Iterable[re.Pattern[str]] = ()) -> str:
    """The text with every secret replaced by `(masked)`; a group `keep` of a pattern stays."""
    spans = sorted(found(text))
    parts, done = [], 0
    for start, end in spans:
        if end <= done:
            continue
        if start >= done:
            parts += [text[done:start], MASK]
        done = end
    text = "".join(parts) + text[done:]
    for form in extra:
        text = form.sub(_hide, text)
    return text


def _hide(match: re.Match[str]) -> str:
    return (match.groupdict().get("keep") or "") + MASK
