"""What only code says: stack traces, SQL, command lines, assignments of configuration."""

from __future__ import annotations

import re
from collections.abc import Iterator

from integration.guards.leak import Hit, Words

# A line of a trace, by language. Each is anchored at the line's beginning and bounded.
_LINE = re.compile(
    r"^[ \t>|]{0,40}(?:"
    # Java, Kotlin, Scala, .NET, JavaScript: a frame
    r"at (?:async |new )?[\w$.<>\[\]`/@ ~-]{1,200}\([^()\n]{0,300}(?:\([^()\n]{0,80}\))?[^"
    r"()\n]{0,80}\)(?: in [^\n]{1,300})?(?: \[[^\]\n]{0,80}\])?"
    r"|at (?:file:|https?:|node:|webpack|/|[A-Z]:\\)[^\n]{1,300}:\d+"
    r"|at [\w$.]{3,200}\.[\w$<>]{1,80} ?(?:\[|$)"
    r"|\.\.\. \d{1,4} (?:more|common frames omitted)"
    r"|Caused by: [^\n]{1,500}|Suppressed: [^\n]{1,500}"
    r"|Exception in thread [^\n]{1,500}|Unhandled [Ee]xception[^\n]{0,500}|Uncaught (?:\w+)?(?:Error"
    r"|Exception)[^\n]{0,500}"
    r"|--- End of (?:inner exception )?stack trace[^\n]{0,80}"
    # Python
    r"|Traceback \(most recent call last\):?[^\n]{0,200}"
    r"|File \"[^\"\n]{1,300}\", line \d+(?:, in [^\n]{1,200})?"
    r"|(?:During handling of the above exception|The above exception was the direct cause)[^\n]{0,200}"
    # Go
    r"|goroutine \d+ \[[^\]\n]{1,80}\]:?|panic: [^\n]{1,500}|created by [\w./*()-]{1,200}[^\n]{0,80}"
    r"|\[signal SIG[^\n]{1,200}|[\w./*()-]{1,200}\([^()\n]{0,200}\)[ \t]*$(?=\n[ \t]+/)"
    r"|/[\w./@+-]{1,300}\.(?:go|rs|py|rb|c|cc|cpp):\d+(?: \+0x[0-9a-f]+)?"
    r"|fatal error: [a-z][^\n]{1,300}"
    # Ruby, PHP, Rust, native code
    r"|(?:from )?[\w./@+-]{1,300}\.(?:rb|ex|exs|erl):\d+:in [`'][^\n]{1,200}"
    r"|#\d{1,3} +(?:0x[0-9a-f]+ in |/|\[internal|\{main\}|[\w\\]+(?:->|::))[^\n]{0,400}"
    r"|PHP (?:Fatal|Parse|Warning|Notice)[^\n]{1,500}|Fatal error: [^\n]{1,500}"
    r"|thread '[^'\n]{1,80}' (?:\(\d+\) )?panicked at[^\n]{0,500}|stack backtrace:"
    r"|\d{1,3}: +(?:0x[0-9a-f]+ - )?[\w<>:$]+::[^\n]{1,300}"
    r"|Segmentation fault[^\n]{0,200}|\*\* \([\w.]+Error\)[^\n]{1,500}"
    r")[^\n]{0,200}$",
    re.M,
)
_ERROR = re.compile(
    # java.lang.NullPointerException, System.IO.IOException, sqlalchemy.exc.OperationalError[: message]
    r"(?<![\w./])(?:[a-zA-Z_]\w{0,40}\.){1,10}[A-Z]\w{0,60}(?:Error|Exception|Failure|Fault|Timeout"
    r"|Warning)\b(?::[^\n]{0,400})?"
    # TypeError: x is not a function
    r"|(?<![\w.])(?:[A-Z]\w{1,60}(?:Error|Exception)|KeyboardInterrupt|StopIteration"
    r"|SystemExit): [^\n]{1,400}"
    r"|(?<![\w.])(?:NullPointer|OutOfMemory|StackOverflow|IndexOutOfBounds|ArrayIndexOutOfBounds|ClassCast|"
    r"ConcurrentModification|NullReference|IllegalState|IllegalArgument|NoSuchMethod|ClassNotFound"
    r"|Segmentation|"
    r"ArgumentNull|InvalidOperation|NoClassDefFound|UnhandledPromiseRejection|ModuleNotFound"
    r"|NoMethod|ZeroDivision|"
    r"UnboundLocal|RecordNotFound|DeadlockLoser|LockAcquisition|SocketTimeout|CannotGetJdbcConnection)"
    r"(?:Error|Exception|Warning)s?\b"
    r"|\b(?:panic|runtime error): [a-z][^\n]{3,300}|\bSIG(?:SEGV|ABRT|BUS|ILL|FPE)\b[^\n]{0,100}"
    r"|\binvalid memory address or nil pointer dereference\b|\bundefined is not (?:a function|an object)\b"
    r"|\bCannot read propert(?:y|ies) of (?:undefined|null)[^\n]{0,100}|\bgoroutine \d+ \[[^\]\n]{1,80}\]"
    r"|\b(?:[\w./-]{1,80}/)?[\w-]{1,60}\.(?:java|kt|scala|cs|go|py|rb|php|rs|jsx?"
    r"|tsx?):(?:line )?\d+(?::\d+)?\b"
    r"|(?<![\w.])at [\w$]+(?:\.[\w$<>]+){1,12}\([^()\n]{0,120}\)(?: in [^\n]{1,200}:line \d+)?"
    r"|\bat (?:async )?[\w$.<>]{1,100} \([^()\n]{1,200}:\d+:\d+\)"
    r"|\bFile \"[^\"\n]{1,300}\", line \d+(?:, in [\w<>.]{1,100})?|\bTraceback \(most recent call last\):?"
)

_SQL = re.compile(
    r"(?<![\w])(?:"
    r"(?:SELECT|select)\s[^\n;]{1,300}?\s(?:FROM|from)\s{1,9}[\w.`\"\[(]{1,80}"
    r"|INSERT\s{1,9}INTO\s{1,9}[\w.`\"\[]{1,80}|UPDATE\s{1,9}[\w.`\"\[\]]{1,80}\s{1,9}SET\s"
    r"|DELETE\s{1,9}FROM\s{1,9}[\w.`\"\[]{1,80}"
    r"|(?:DROP|ALTER|TRUNCATE|CREATE|LOCK|VACUUM|ANALYZE|REINDEX)\s{1,9}(?:UNIQUE\s|FULL\s|TEMP\s"
    r"|CONCURRENTLY\s)?"
    r"(?:TABLE|INDEX|DATABASE|SCHEMA|VIEW|USER|ROLE|COLUMN|FUNCTION|TRIGGER)\s{1,9}[\w.`\"\[]{1,80}"
    r"|EXPLAIN\s{1,9}(?:ANALYZE|SELECT)\b|GRANT\s[\w, ]{1,80}\sON\s|SHOW\s(?:FULL\s)?(?:PROCESSLIST"
    r"|ENGINE|SLAVE STATUS|REPLICA STATUS)"
    r"|insert\s{1,9}into\s{1,9}[\w.`\"]{1,80}\s{0,9}\("
    r"|update\s{1,9}[\w.`\"]{1,80}\s{1,9}set\s{1,9}[\w.`\"]{1,60}\s{0,3}=|"
    r"delete\s{1,9}from\s{1,9}[\w.`\"]{1,80}\s{1,9}where\b|(?:drop|alter"
    r"|truncate)\s{1,9}table\s{1,9}[\w.`\"]{1,80}"
    r"|pg_(?:terminate|cancel)_backend\("
    r")[^\n;]{0,1000};?",
)
_PROSE_SELECT = re.compile(r"select\s", re.ASCII)
_LOOKS_SQL = re.compile(
    r"\*|=|_|\w\(|\b(?:where|join|limit \d|order by|group by)\b"
    r"|^select\s+[\w.]+(?:\s*,\s*[\w.]+)*\s+from\s+[\w.]+(?:;|\s*$)",
    re.I,
)

# Programs whose names are no words: the name and an argument are enough.
_SURE = (
    "kubectl|kubectx|k9s|helmfile|terraform|terragrunt|systemctl|journalctl|psql|pg_dump|pg_restore|mysqldump|"
    "redis-cli|mongosh|mongodump|etcdctl|consul-template|ansible|ansible-playbook|docker-compose|nerdctl|crictl|"
    "ctr|gcloud|gsutil|eksctl|istioctl|argocd|flux|kustomize|tcpdump|strace|iptables|nslookup|traceroute|netstat|"
    "ssh-keygen|scp|rsync|sudo|chmod|chown|pkill|killall|kafka-[a-z-]{3,40}(?:\\.sh)?|rabbitmqctl|nodetool|cqlsh|"
    "haproxyctl|apachectl|vmstat|iostat|jstack|jmap|jcmd|lsof|dmesg|crontab|pm2|supervisorctl|nomad job|"
    "vault kv|"
    "rabbitmq-diagnostics|zkCli\\.sh|clickhouse-client|aws-vault|openssl|certbot|patronictl|pgbouncer|psexec|"
    "patroni|k(?= (?:get|describe|logs|exec|delete|apply|rollout|scale|top|drain|cordon) )"
)
# `kubectl returns errors` is prose.
_PROSE = (
    r"(?:and|or|is|was|were|are|has|have|had|to|for|from|on|in|with|via|will|would|may|might|can|cannot|could|"
    r"does|did|do|not|files?|commands?|users?|errors?|fail(?:s|ed|ures?)?|returns?|returned|clients?|versions?|"
    r"tool|cli|access|sessions?|connections?|requests?|operations?|backups?|dumps?|at|by|as|the|a|an|that|which|"
    r"when|while|should|must|if|but|then|worked|works|timed|times|calls?)\b"
)
# Programs that are words too, or that customers use: only with an argument that shows it.
_COMMAND = re.compile(
    rf"(?:^[ \t>]{{0,8}}(?:\$|%|❯|root@[\w.-]{{1,60}}:?[^\s#$]{{0,60}}[#$]"
    rf"|\w{{1,20}}@[\w.-]{{1,60}}:?[^\s#$]{{0,60}}[#$])[ \t]+[\w./~-]{{2,}}[^\n]{{0,600}}$)"
    rf"|(?<![\w./-])(?:{_SURE})[ \t]+(?!{_PROSE})(?:-{{1,2}}\w|[a-z0-9_./@\"'-]{{2,}})[^\n`]{{0,500}}"
    r"|(?<![\w./-])(?:aws (?:--?\w|s3|ec2|ecs|eks|rds|iam|logs|lambda|sqs|sns|ssm|sts|cloudwatch"
    r"|cloudformation|dynamodb|autoscaling|elbv2|secretsmanager|kms)\s[a-z-]{2,}"
    r"|az (?:vm|aks|webapp|sql|network|group|keyvault|acr|account) \w"
    r"|helm (?:rollback|upgrade|install|uninstall|list|history|template|get|status|repo)\s?\S"
    r"|git (?:revert|reset|cherry-pick|rebase|log|bisect|checkout|merge|show|diff|stash|blame|tag"
    r"|bundle) \S"
    r"|docker (?:exec|restart|stop|kill|logs|rm|ps|inspect|stats|service|stack|system|run -)\s?\S"
    r"|(?:ssh|mosh) (?:-\w |[\w.-]+@)\S|ssh [\w-]*\d[\w.-]*|curl (?:-{1,2}[\w-]+ )\S"
    r"|curl [\"']?https?://\S|wget (?:-|https?:)\S"
    r"|mysql (?:-{1,2}\w)\S*|mongo (?:-{2}\w|mongodb:)\S*|rm -[rf]{1,2}\s\S|kill -\w+ \S|kill -\d+"
    r"|tail -\S|grep -\S|sed -\S|awk [\"'{]|find [./]\S* -\w"
    r"|ps (?:aux|-ef)|top -\w|df -\w|du -\w|nc -\w|dig [+@]\S|dig [\w-]+\.[\w.-]+|ping -\w"
    r"|telnet \S+ \d+|cat /\S|less /\S|vi(?:m)? /\S|nano /\S|export [A-Z_]{3,}="
    r"|service [\w-]+ (?:restart|stop|start|reload|status)\b|node --?\w|python3? -\w"
    r"|python3? [\w/.-]+\.py|java -\w|mvn \w|gradle \w|make deploy|rake \w+:|bundle exec \w"
    r"|rails (?:runner|console|c|db)\b|php artisan \w|npm run \w|yarn run \w|manage\.py \w"
    r"|cap \w+ deploy|fly(?:ctl)? (?:deploy|ssh|scale|machine)|heroku (?:ps|run|restart|pg|config"
    r"|releases)\S*"
    r")[^\n`]{0,500}",
    re.M,
)
_ASSIGNMENT = re.compile(
    r"(?<![\w$&?-])(?:export )?[A-Z][A-Z0-9]{1,30}(?:_[A-Z0-9]{1,30}){1,8}=(?:\"[^\"\n]{0,300}\""
    r"|'[^'\n]{0,300}'|[^\s,;`\"')]{1,300})"
    r"|(?<![\w-])-(?:Xm[xsn]|XX:|D)[\w:+=.-]{2,80}"
)


def find(text: str, words: Words) -> Iterator[Hit]:
    """Traces, queries and commands in `text`; the lines of one trace are one hit."""
    yield from _traces(text)
    for match in _SQL.finditer(text):
        if _PROSE_SELECT.match(match.group(0)) and not _LOOKS_SQL.search(match.group(0)):
            continue
        yield Hit(start=match.start(), end=_ended(text, match), kind="command")
    for pattern in (_COMMAND, _ASSIGNMENT):
        for match in pattern.finditer(text):
            yield Hit(start=match.start(), end=_ended(text, match), kind="command")


def _traces(text: str) -> Iterator[Hit]:
    lines = [(_begun(match), match.end()) for match in _LINE.finditer(text)]
    errors = [(match.start(), _ended(text, match)) for match in _ERROR.finditer(text)]
    start = end = -1
    for first, last in sorted(lines + errors):
        # Python shows the source between its frames, Go the place under the call: one line in between.
        if start >= 0 and (first <= end or (text.count("\n", end, first) in (1, 2) and lines)):
            end = max(end, last)
            continue
        if start >= 0:
            yield Hit(start=start, end=end, kind="stack trace")
        start, end = first, last
    if start >= 0:
        yield Hit(start=start, end=end, kind="stack trace")


def _begun(match: re.Match[str]) -> int:
    line = match.group(0)
    return match.start() + len(line) - len(line.lstrip(" \t>|"))


def _ended(text: str, match: re.Match[str]) -> int:
    end = match.end()
    while end > match.start() + 1 and text[end - 1] in " \t.,;:!?`":
        end -= 1
    return end
