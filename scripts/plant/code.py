"""Secrets, and what only code says: traces, paths, commands."""

from __future__ import annotations

import random
import string
from collections.abc import Callable

from scripts.plant.draw import ALNUM, STACK, URLSAFE, chars, hexes, mixed


def secret(rng: random.Random) -> str:
    number, password = rng.randint(10**10, 10**11), mixed(rng, ALNUM, 14)
    base64 = ALNUM + "+/"
    jwt = f"eyJ{mixed(rng, URLSAFE, 33)}.eyJ{mixed(rng, URLSAFE, 80)}.{mixed(rng, URLSAFE, 43)}"
    shapes: tuple[Callable[[], str], ...] = (
        lambda: "AKIA" + chars(rng, string.ascii_uppercase + "234567", 16),
        lambda: f"aws_secret_access_key = ⟦{mixed(rng, base64, 40)}⟧",
        lambda: f"xoxb-{number}-{number + 7}-{mixed(rng, ALNUM, 24)}",
        lambda: f"xoxp-{number}-{number + 3}-{number + 9}-{hexes(rng, 32)}",
        lambda: "https://hooks.slack.com/services/T0" + chars(rng, string.ascii_uppercase, 7)
        + "/B0" + chars(rng, string.ascii_uppercase, 7) + "/" + mixed(rng, ALNUM, 24),
        lambda: "ghp_" + mixed(rng, ALNUM, 36),
        lambda: "github_pat_" + mixed(rng, ALNUM, 22) + "_" + mixed(rng, ALNUM, 59),
        lambda: "glpat-" + mixed(rng, URLSAFE, 20),
        lambda: "sk_live_" + mixed(rng, ALNUM, 24),
        lambda: "whsec_" + mixed(rng, ALNUM, 32),
        lambda: "AIza" + mixed(rng, URLSAFE, 35),
        lambda: "SG." + mixed(rng, URLSAFE, 22) + "." + mixed(rng, URLSAFE, 43),
        lambda: "npm_" + mixed(rng, ALNUM, 36),
        lambda: "sk-proj-" + mixed(rng, ALNUM, 48),
        lambda: "sk-ant-api03-" + mixed(rng, URLSAFE, 60),
        lambda: "dop_v1_" + hexes(rng, 64),
        lambda: "hf_" + mixed(rng, string.ascii_letters, 34),
        lambda: jwt,
        lambda: f"Authorization: Bearer ⟦{jwt}⟧",
        lambda: f"Authorization: Basic ⟦{mixed(rng, base64, 24)}==⟧",
        lambda: f"postgres://app:⟦{password}⟧@db.acme-widgets.com:5432/orders",
        lambda: f"https://deploy:⟦{password}⟧@git.acme-widgets.com/x.git",
        lambda: f"redis://:⟦{password}⟧@cache.acme-widgets.com:6379/0",
        lambda: f"password=⟦{password}⟧",
        lambda: f"DB_PASSWORD: ⟦{password}⟧",
        lambda: f'"apiKey": "⟦{mixed(rng, ALNUM, 32)}⟧"',
        lambda: f"Server=tcp:x.acme-widgets.com;User ID=sa;Password=⟦{password}⟧;",
        lambda: f"AccountKey=⟦{mixed(rng, base64, 86)}==⟧",
        lambda: "-----BEGIN RSA PRIVATE KEY-----\n" + "\n".join(mixed(rng, base64, 64) for _ in range(3))
        + "\n-----END RSA PRIVATE KEY-----",
        lambda: "-----BEGIN OPENSSH PRIVATE KEY-----\n" + mixed(rng, base64, 70),
        lambda: f"https://api.acme-widgets.com/v1/x?access_token=⟦{mixed(rng, ALNUM, 30)}⟧",
        lambda: f"curl -u admin:⟦{password}⟧ https://api.acme-widgets.com",
        lambda: f"X-Api-Key: ⟦{mixed(rng, ALNUM, 28)}⟧",
        lambda: "SK" + hexes(rng, 32),
        lambda: hexes(rng, 32) + "-us14",
        lambda: f"{rng.randint(10**8, 10**9)}:{mixed(rng, URLSAFE, 35)}",
    )  # fmt: skip
    return rng.choice(shapes)()


def trace(rng: random.Random) -> str:
    app, line = rng.choice(STACK), rng.randint(10, 900)
    title = app.title()
    shapes: tuple[Callable[[], str], ...] = (
        lambda: (
            f"java.lang.NullPointerException: Cannot invoke \"{title}.id()\"\n"
            f"\tat com.acme.{app}.{title}Service.load({title}Service.java:{line})\n"
            "\tat com.acme.Main.main(Main.java:12)"
        ),
        lambda: (
            "Exception in thread \"main\" java.lang.OutOfMemoryError: Java heap space\n"
            "\tat java.base/java.util.Arrays.copyOf(Arrays.java:3537)"
        ),
        lambda: (
            "Caused by: org.postgresql.util.PSQLException: FATAL: too many connections for role "
            f"\"{app}\""
        ),
        lambda: (
            f"Traceback (most recent call last):\n  File \"/srv/{app}/views.py\", line {line}, in get\n"
            "    return self.load(pk)\nValueError: invalid literal for int()"
        ),
        lambda: f"File \"/app/{app}/tasks.py\", line {line}, in run",
        lambda: "sqlalchemy.exc.OperationalError: (psycopg2.OperationalError) could not connect",
        lambda: (
            f"goroutine {line} [running]:\nmain.handle(0xc000010000)\n"
            f"\t/go/src/{app}/main.go:{line} +0x1d"
        ),
        lambda: "panic: runtime error: invalid memory address or nil pointer dereference",
        lambda: (
            "TypeError: Cannot read properties of undefined (reading 'id')\n"
            f"    at {title}.load (/app/src/{app}.js:{line}:13)\n"
            "    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)"
        ),
        lambda: (
            "System.NullReferenceException: Object reference not set to an instance of an object.\n"
            f"   at Acme.{title}.Get(Int32 id) in C:\\build\\{title}.cs:line {line}"
        ),
        lambda: f"app/models/{app}.rb:{line}:in `save!'",
        lambda: (
            "PHP Fatal error:  Uncaught Error: Call to a member function id() on null in "
            f"/var/www/{app}.php:{line}"
        ),
        lambda: f"#0 /var/www/html/{app}.php({line}): {title}->save()",
        lambda: f"thread 'main' panicked at src/{app}.rs:{line}:9:",
        lambda: f"at com.acme.{app}.Handler.run(Handler.kt:{line})",
        lambda: "NullPointerException",
    )  # fmt: skip
    return rng.choice(shapes)()


def path(rng: random.Random) -> str:
    app, line = rng.choice(STACK), rng.randint(10, 900)
    shapes: tuple[Callable[[], str], ...] = (
        lambda: f"/var/log/{app}/error.log",
        lambda: f"/etc/{app}/config.yaml",
        lambda: f"/home/deploy/{app}/current",
        lambda: f"/opt/acme/{app}/bin/start.sh",
        lambda: f"C:\\Program Files\\Acme\\{app}\\web.config",
        lambda: f"\\\\fileserver\\share\\{app}",
        lambda: "~/.ssh/id_rsa",
        lambda: f"src/{app}/handlers/main.go:{line}",
        lambda: f"{app}/settings.py",
        lambda: f"charts/{app}/values-prod.yaml",
        lambda: f"{app}.py:{line}",
        lambda: f"/srv/{app}/releases/20240112/app.jar",
        lambda: f"/proc/{line}/status",
        lambda: f"terraform/modules/{app}/main.tf",
    )
    return rng.choice(shapes)()


def command(rng: random.Random) -> str:
    app, number = rng.choice(STACK), rng.randint(10, 900)
    shapes: tuple[Callable[[], str], ...] = (
        lambda: f"kubectl -n payments rollout restart deploy/{app}",
        lambda: f"kubectl get pods -n {app}",
        lambda: f"k delete pod {app}-0",
        lambda: f"helm rollback {app} 41",
        lambda: f"terraform apply -target=module.{app}",
        lambda: f"SELECT count(*) FROM {app} WHERE state = 'stuck'",
        lambda: f"UPDATE {app} SET state = 'failed' WHERE id = {number}",
        lambda: f"DELETE FROM {app}_queue WHERE created_at < now() - interval '1 day';",
        lambda: f"ALTER TABLE {app} ADD COLUMN region text",
        lambda: f"select * from {app} where id = {number};",
        lambda: f"sudo systemctl restart {app}",
        lambda: f"ssh deploy@bastion-{app}",
        lambda: "redis-cli -h cache FLUSHALL",
        lambda: f"kill -9 {number}",
        lambda: f"rm -rf /tmp/{app}",
        lambda: f"aws s3 ls s3://acme-{app}",
        lambda: f"git revert {hexes(rng, 8)}",
        lambda: f"docker restart {app}",
        lambda: f"psql -U postgres -d {app} -c 'select pg_cancel_backend({number})'",
        lambda: f"curl -sS -X POST http://x/{app}/drain",
        lambda: f"journalctl -u {app} --since '10 min ago'",
        lambda: f"tail -f /var/log/{app}.log",
        lambda: f"MAX_CONNECTIONS_{app.upper()}={number}",
        lambda: f"gcloud compute instances list --filter=name={app}",
        lambda: "$ df -h",
    )
    return rng.choice(shapes)()
