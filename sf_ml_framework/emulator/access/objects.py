"""What the statements of pools, images, secrets, services, data and models need.

Source of each line: Snowflake, the page of the statement, section "Access control requirements",
and "Access control privileges". Tasks say it in their own room; what a specification names is asked
where it is read (:mod:`..services.checks`).
"""

from __future__ import annotations

from .needs import Need

_OWNED = ("IMAGE REPOSITORY", "SECRET", "NETWORK RULE", "DATASET", "MODEL", "SERVICE")
_CREATED = (*_OWNED[:5], "ALERT", "FUNCTION", "PROCEDURE")


def lines() -> list[Need]:
    """Return the lines."""
    made = [_one(f"CREATE {kind}", f"CREATE {kind}", "SCHEMA") for kind in _CREATED]
    for kind in (*_OWNED, "COMPUTE POOL", "DYNAMIC TABLE", "ALERT", "ONLINE FEATURE TABLE"):
        made += [_one(f"{verb} {kind}", "OWNERSHIP", kind) for verb in ("ALTER", "DROP")]
    return [*made, *_pools(), *_services(), *_integrations(), *_data(), *_alerts()]


def _one(statement: str, privilege: str, on: str, **rest: str) -> Need:
    return Need(statement=statement, privilege=privilege, on=on, **rest)  # type: ignore[arg-type]


def _pools() -> list[Need]:
    return [
        _one("CREATE COMPUTE POOL", "CREATE COMPUTE POOL", "ACCOUNT"),
        _one("ALTER COMPUTE POOL", "MODIFY", "COMPUTE POOL", then="SET|UNSET"),
        _one("ALTER COMPUTE POOL", "OPERATE", "COMPUTE POOL", then="SUSPEND|RESUME|STOP"),
    ]


def _services() -> list[Need]:
    made = []
    for statement, rest in (
        ("CREATE SERVICE", {}),
        ("EXECUTE JOB SERVICE", {"named": "NAME =", "kind": "SERVICE"}),
    ):
        made += [
            _one(statement, "CREATE SERVICE", "SCHEMA", **rest),
            _one(statement, "USAGE", "COMPUTE POOL", uses="IN COMPUTE POOL"),
            _one(statement, "USAGE", "WAREHOUSE", uses="QUERY_WAREHOUSE ="),
            _one(statement, "USAGE", "INTEGRATION", uses="EXTERNAL_ACCESS_INTEGRATIONS ="),
        ]
    return [
        *made,
        _one("ALTER SERVICE", "OPERATE", "SERVICE", then="SUSPEND|RESUME|FROM"),
        _one(
            "SHOW IMAGES IN IMAGE REPOSITORY",
            "READ",
            "IMAGE REPOSITORY",
            kind="IMAGE REPOSITORY",
        ),
    ]


def _integrations() -> list[Need]:
    made = [
        _one(f"CREATE {kind} INTEGRATION", "CREATE INTEGRATION", "ACCOUNT")
        for kind in ("EXTERNAL ACCESS", "NOTIFICATION")
    ]
    for verb in ("ALTER", "DROP"):
        statement = f"{verb} [EXTERNAL ACCESS|NOTIFICATION] INTEGRATION"
        made.append(_one(statement, "OWNERSHIP", "INTEGRATION"))
    return [
        *made,
        _one(
            "CREATE EXTERNAL ACCESS INTEGRATION",
            "USAGE",
            "NETWORK RULE",
            uses="ALLOWED_NETWORK_RULES =",
        ),
        _one(
            "CREATE EXTERNAL ACCESS INTEGRATION",
            "READ|USAGE",
            "SECRET",
            uses="ALLOWED_AUTHENTICATION_SECRETS =",
        ),
    ]


def _data() -> list[Need]:
    create = "CREATE [TRANSIENT] DYNAMIC TABLE"
    operate = "SUSPEND|RESUME|REFRESH|SET TARGET_LAG|SET WAREHOUSE"
    return [
        _one(create, "CREATE DYNAMIC TABLE", "SCHEMA"),
        _one(create, "USAGE", "WAREHOUSE", uses="WAREHOUSE ="),
        _one("ALTER DYNAMIC TABLE", "OPERATE", "DYNAMIC TABLE", then=operate),
    ]


def _alerts() -> list[Need]:
    return [
        _one("CREATE ALERT", "USAGE", "WAREHOUSE", uses="WAREHOUSE ="),
        _one("ALTER ALERT", "OPERATE", "ALERT", then="SUSPEND|RESUME"),
        _one("EXECUTE ALERT", "OPERATE", "ALERT"),
    ]
