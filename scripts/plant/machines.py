"""Hosts, addresses, links and identifiers."""

from __future__ import annotations

import random
import string
from collections.abc import Callable
from uuid import UUID

from scripts.plant.draw import (
    ALNUM,
    DOMAINS,
    ENVS,
    HEX,
    REGIONS,
    ROLES,
    SERVICES,
    STACK,
    URLSAFE,
    chars,
    hexes,
    mixed,
)


def host(rng: random.Random) -> str:
    app, role, env, number = rng.choice(STACK), rng.choice(ROLES), rng.choice(ENVS), rng.randint(1, 40)
    octets = "-".join(str(rng.randint(0, 255)) for _ in range(3))
    shapes: tuple[Callable[[], str], ...] = (
        lambda: f"{role}-{number}.{env}.internal",
        lambda: f"{app}.{rng.choice(('default', 'payments', env))}.svc.cluster.local",
        lambda: f"{app}.{env}.svc",
        lambda: f"ip-10-{octets}.{rng.choice(REGIONS[:3])}.compute.internal",
        lambda: f"ip-10-{octets}.ec2.internal",
        lambda: f"{app}-{role}{number:02d}.{rng.choice(DOMAINS)}",
        lambda: f"{role}{number:02d}.{rng.choice(('lan', 'local', 'corp', 'intra', 'intranet'))}",
        lambda: f"{env}-{app}-{role}-{number}",
        lambda: f"{role}-{app}-{number:03d}",
        lambda: (
            f"{app}-{chars(rng, 'bcdfghjklmnpqrstvwxz2456789', 9)}-"
            f"{chars(rng, 'bcdfghjklmnpqrstvwxz2456789', 5)}"
        ),
        lambda: f"{app}.c{chars(rng, HEX, 11)}.{rng.choice(REGIONS[:3])}.rds.amazonaws.com",
        lambda: f"{app}-{role}.{chars(rng, HEX, 6)}.ng.0001.use1.cache.amazonaws.com",
        lambda: f"internal-{app}-{rng.randint(10**8, 10**9)}.{rng.choice(REGIONS[:3])}.elb.amazonaws.com",
        lambda: f"{app}-{env}.database.windows.net",
        lambda: f"{role}-{number}.{rng.choice(REGIONS)}.{env}.acme-widgets.com",
        lambda: f"{app}.{env}.acme-widgets.com",
        lambda: f"{role}{number:02d}",
        lambda: f"gke-{env}-pool-{number}-{hexes(rng, 8)}-{chars(rng, 'bcdfghjklm2456789', 4)}",
        lambda: f"{role.upper()}-{env.upper()}-{number:02d}",
        lambda: f"{role}-{number}.{env}.internal:{rng.randint(1024, 65535)}",
        lambda: f"{app}.service.consul",
        lambda: f"localhost:{rng.randint(1024, 65535)}",
        lambda: f"{role}-{number}[.]{env}[.]internal",
    )
    return rng.choice(shapes)()


def address(rng: random.Random) -> str:
    a, b, c = rng.randint(0, 255), rng.randint(0, 255), rng.randint(1, 254)
    port = rng.randint(22, 65535)
    public = f"{rng.choice((34, 52, 104, 185, 203))}.{a}.{b}.{c}"
    groups = ":".join(hexes(rng, 4) for _ in range(8))
    shapes: tuple[Callable[[], str], ...] = (
        lambda: f"10.{a}.{b}.{c}",
        lambda: f"192.168.{b}.{c}",
        lambda: f"172.{rng.randint(16, 31)}.{b}.{c}",
        lambda: f"10.{a}.{b}.{c}:{port}",
        lambda: f"10.{a}.0.0/16",
        lambda: f"127.0.0.1:{port}",
        lambda: public,
        lambda: f"{public}:{port}",
        lambda: groups,
        lambda: f"fd{hexes(rng, 2)}:{hexes(rng, 4)}::{hexes(rng, 3)}",
        lambda: f"2001:db8:{hexes(rng, 4)}::{rng.randint(1, 9)}",
        lambda: f"[2001:db8::{hexes(rng, 3)}]:{port}",
        lambda: f"fe80::{hexes(rng, 4)}:{hexes(rng, 4)}%eth0",
        lambda: f"::ffff:10.{a}.{b}.{c}",
        lambda: f"10[.]{a}[.]{b}[.]{c}",
        lambda: f"10.{a}.x.x",
        lambda: ":".join(hexes(rng, 2) for _ in range(6)),
    )
    return rng.choice(shapes)()


def link(rng: random.Random) -> str:
    app, env, number = rng.choice(STACK), rng.choice(ENVS), rng.randint(1, 9999)
    uid = mixed(rng, URLSAFE, 9)
    shapes: tuple[Callable[[], str], ...] = (
        lambda: f"https://grafana.acme-widgets.com/d/{uid}/{app}-overview?orgId=1&from=now-1h",
        lambda: f"https://kibana.{env}.acme-int.net/app/discover#/?_g=(time:(from:now-15m))",
        lambda: f"https://acme-widgets.atlassian.net/browse/OPS-{number}",
        lambda: f"https://jira.acme-widgets.com/browse/PAY-{number}",
        lambda: (
            f"https://acme.slack.com/archives/C0{chars(rng, string.ascii_uppercase, 7)}2/p"
            f"{rng.randint(10**15, 10**16)}"
        ),
        lambda: (
            f"https://acme.pagerduty.com/incidents/Q{chars(rng, string.ascii_uppercase + string.digits, 13)}"
        ),
        lambda: f"https://app.datadoghq.com/dashboard/{hexes(rng, 3)}-{hexes(rng, 3)}-{hexes(rng, 3)}",
        lambda: f"https://github.com/acme/{app}/pull/{number}",
        lambda: f"https://github.com/acme/{app}/commit/{hexes(rng, 40)}",
        lambda: f"https://gitlab.acme-widgets.com/platform/{app}/-/merge_requests/{number}",
        lambda: f"https://sentry.io/organizations/acme/issues/{number}/",
        lambda: (
            ""
            f"https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1#logsV2:log-groups/{app}"
        ),
        lambda: (
            ""
            f"https://console.cloud.google.com/kubernetes/clusters/details/us-central1/{app}?project=acme-{env}"
        ),
        lambda: f"https://jenkins.acme-int.net/job/{app}/{number}/console",
        lambda: f"http://{app}.{env}.internal:8080/healthz",
        lambda: f"http://10.2.{number % 250}.7:9090/graph",
        lambda: f"https://argocd.{env}.acme-widgets.com/applications/{app}",
        lambda: f"https://portal.acme-widgets.com/admin/tenants/{number}",
        lambda: f"https://docs.google.com/document/d/{mixed(rng, URLSAFE, 44)}/edit",
        lambda: f"https://www.notion.so/acme/Runbook-{app}-{hexes(rng, 32)}",
        lambda: f"https://acme.zoom.us/j/{rng.randint(10**9, 10**10)}?pwd={mixed(rng, ALNUM, 20)}",
        lambda: f"https://linear.app/acme/issue/ENG-{number}/fix-{app}",
        lambda: f"https://one.newrelic.com/nr1-core?account={number}&state={hexes(rng, 12)}",
        lambda: f"https://acme.splunkcloud.com/en-US/app/search/search?q={app}",
        lambda: f"hxxps://grafana.acme-widgets[.]com/d/{uid}",
        lambda: f"s3://acme-{env}-{app}/backups/2024/dump.gz",
        lambda: f"grafana.acme-widgets.com/d/{uid}",
    )
    return rng.choice(shapes)()


def identifier(rng: random.Random) -> str:
    shapes: tuple[Callable[[], str], ...] = (
        lambda: str(UUID(int=rng.getrandbits(128), version=4)),
        lambda: f"i-0{hexes(rng, 16)}",
        lambda: f"vpc-{hexes(rng, 8)}",
        lambda: f"sg-0{hexes(rng, 16)}",
        lambda: f"arn:aws:lambda:us-east-1:{rng.randint(10**11, 10**12)}:function:{rng.choice(STACK)}",
        lambda: f"trace_id=⟦{hexes(rng, 32)}⟧",
        lambda: f"request id: ⟦{hexes(rng, 16)}⟧",
        lambda: rng.choice(SERVICES),
    )
    return rng.choice(shapes)()
