"""Names of machines and of internal domains, by their shape: pure judgement over single names."""

from __future__ import annotations

import re

from integration.guards.lists import listed

# Last parts that no public name has (RFC 2606, 6762, 8375, ICANN's `internal`) or that only insiders use.
_INSIDE = listed(
    """
    internal local localdomain localhost lan corp corporate intra intranet private home svc consul
    cluster prod production staging stage stg preprod qa uat test invalid mesh dc1 dc2 dc3 vpc
    onprem infra
    """
)
# What cloud providers call rented machines, clusters and databases.
_RENTED = (
    "home.arpa",
    "compute.amazonaws.com",
    "compute-1.amazonaws.com",
    "rds.amazonaws.com",
    "cache.amazonaws.com",
    "elb.amazonaws.com",
    "redshift.amazonaws.com",
    "es.amazonaws.com",
    "eks.amazonaws.com",
    "docdb.amazonaws.com",
    "kafka.amazonaws.com",
    "mq.amazonaws.com",
    "ecr.amazonaws.com",
    "execute-api.amazonaws.com",
    "database.windows.net",
    "redis.cache.windows.net",
    "servicebus.windows.net",
    "documents.azure.com",
    "vault.azure.net",
    "cloudapp.azure.com",
    "cloudapp.net",
    "azmk8s.io",
    "azurecr.io",
    "database.azure.com",
    "bc.googleusercontent.com",
    "mongodb.net",
    "confluent.cloud",
    "snowflakecomputing.com",
    "ts.net",
    "k8s.ondigitalocean.com",
    "db.ondigitalocean.com",
)
_STAGES = listed(
    """
    prod prd production stg stage staging dev qa uat preprod nonprod
    """
)
# Parts of a name below a public domain that say "not for you".
_PARTS = _STAGES | listed(
    """
    internal intern intra intranet corp int priv private lan k8s kube kubernetes bastion jumpbox
    backend mgmt svc infra nodes db mysql postgres pg redis kafka mongo mongodb rabbitmq etcd ldap
    nfs sql oob ipmi idrac ilo
    """
)
_ROLES = (
    "db|database|web|www|app|api|cache|redis|memcached?|kafka|zookeeper|zk|mysql|mariadb|postgres|postgresql|"
    "pg|mongo|mongodb|cassandra|scylla|elastic|elasticsearch|opensearch|es|solr|clickhouse|rabbit|rabbitmq|rmq|"
    "mq|queue|broker|consumer|producer|worker|node|master|slave|primary|secondary|replica|standby|leader|"
    "follower|lb|elb|alb|nlb|haproxy|nginx|envoy|traefik|proxy|gw|gateway|router|rtr|switch|sw|fw|firewall|edge|"
    "core|spine|leaf|bastion|jump|jumpbox|vm|host|server|srv|svr|box|ns|dns|ldap|dc|nas|san|nfs|storage|stor|"
    "ceph|osd|backup|bkp|log|logs|logstash|kibana|grafana|prom|prometheus|mon|monitor|vault|consul|etcd|nomad|"
    "k8s|kube|gke|eks|aks|ingress|build|builder|runner|ci|jenkins|agent|shard|cron|batch|scheduler|hv|esx|esxi|"
    "hypervisor|sql|mssql|ora|smtp|mail|mx|mta|imap|ftp|sftp|auth|idp|sso|search|metrics|payment|payments|"
    "billing|checkout|orders|tomcat|jboss|nginx|apache|iis|couchbase|neo4j|influx|influxdb|minio|harbor|vpn|"
    "controlplane|compute|gpu|svc|pod|instance|spark|hadoop|hdfs|yarn|flink|airflow|celery|sidekiq|resque"
)
_ROLE = re.compile(rf"(?:{_ROLES})")
# Without a hyphen only what nobody writes in prose: web01, db3, prodapp02.
_COMPACT = re.compile(
    r"(?:[a-z]{0,10}(?:\d{0,2}))(?:db|web|app|srv|svr|sql|lb|vm|fw|proxy|cache|redis|kafka|node|host"
    r"|broker|"
    r"worker|esx|mongo|mysql|bastion|mx|dc|nas|rtr|gw|hv)(?:\d{2,4})[a-z]?"
    r"|(?:db|web|app|srv|svr|node|host|redis|kafka|mysql|postgres|mongo|cache|worker|broker|lb|gw|fw"
    r"|vm|proxy|"
    r"nginx|server|replica|shard|elastic|master|bastion|runner|esx|zk|etcd|haproxy|rabbitmq"
    r"|cassandra|consul|"
    r"vault|jenkins)\d{1,3}[ab]?|es\d{2,3}"
)
_YEAR = re.compile(r"(?:19|20)\d\d")
_SEGMENT = re.compile(r"([a-z]*)(\d{0,4})[a-z]?")
_STORES = frozenset(("db", "master", "slave", "primary", "replica", "standby", "mysql", "postgres", "kafka"))
_EC2 = re.compile(r"(?:ip|ec2)(?:-\d{1,3}){4}(?:-[a-z0-9]+)?")
# Kubernetes: `<deployment>-<hash of 8 to 10>-<random 5>`, `<set>-<random 5>`; its alphabet has no vowels.
_POD = re.compile(
    r"[a-z0-9][a-z0-9-]*?-(?:[bcdf-hj-np-tv-z2-9]{8,10}-[bcdf-hj-np-tv-z2-9]{5}"
    r"|(?=[a-z0-9]*\d)(?=[a-z0-9]*[a-z])[a-z0-9]{8,10}-(?=[a-z0-9]*\d)[a-z0-9]{5}"
    r"|(?=[a-z]*\d[a-z0-9]*)(?=[a-z0-9]*[a-z])[bcdf-hj-np-tv-z2-9]{5})"
)


def internal(host: str, inside: tuple[str, ...] = ()) -> bool:
    """Whether a name with dots is one that the public neither reaches nor needs to know."""
    host = host.lower().rstrip(".")
    if below(host, inside):
        return True
    labels = host.split(".")
    if len(labels) < 2 or not all(labels) or labels[-1].isdigit():
        return False
    if labels[-1] in _INSIDE or below(host, _RENTED):
        return True
    if "amazonaws" in labels and any(
        part in labels for part in ("rds", "elb", "cache", "eks", "compute", "es", "ecr")
    ):
        return True
    if "svc" in labels[1:] or "cluster" in labels[2:]:
        return True
    if not re.fullmatch(r"[a-z]{2,24}|xn--[a-z0-9-]+", labels[-1]):
        return False
    if machine(labels[0]):
        return True
    return any(segment in _PARTS for label in labels[:-2] for segment in label.split("-"))


def below(host: str, domains: tuple[str, ...]) -> bool:
    """Whether `host` is one of the domains or below one; a domain may be written `*.x`, `.x` or `x`."""
    return any(
        host == bare or host.endswith("." + bare)
        for domain in domains
        if (bare := domain.lower().lstrip("*.").rstrip("."))
    )


def machine(name: str) -> bool:
    """Whether a name without dots is that of a machine, pod or instance, and no ordinary word."""
    name = name.lower()
    if not name or len(name) > 80:
        return False
    if _EC2.fullmatch(name):
        return True
    if "-" not in name and "_" not in name:
        return bool(_COMPACT.fullmatch(name))
    segments = re.split(r"[-_]", name)
    if not all(segments):
        return False
    if _POD.fullmatch(name) and not _YEAR.match(segments[-2]):
        return True
    stems = []
    for segment in segments:
        fit = _SEGMENT.fullmatch(segment)
        stems.append(fit.group(1) if fit else segment)
    # db-master, primary-db: nothing but parts that machines play
    if any(stem in _STORES for stem in segments) and all(_ROLE.fullmatch(stem) for stem in segments):
        return True
    role = any(_ROLE.fullmatch(stem) for stem in stems if stem)
    last = segments[-1]
    numbered = bool(re.search(r"\d", last)) and not _YEAR.fullmatch(last) and len(last) <= 6
    if any(stem in _STAGES for stem in stems):
        return role or numbered
    return role and numbered and bool(re.fullmatch(r"(?:[a-z]{1,6})?\d{1,4}[a-z]?", last)) and last[:1] != "v"
