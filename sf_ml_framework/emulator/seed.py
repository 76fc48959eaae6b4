"""What a fresh account holds.

Source: Snowflake, "Overview of access control" (system-defined roles), trial accounts (COMPUTE_WH),
behaviour change 1933 (VIEW LINEAGE is PUBLIC's), "Working with compute pools" (the two pools of the
system; their owner and time to suspend are not told there and are chosen here).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .access.kinds import PRIVILEGES
from .catalog import Entry
from .names import Path, quoted

if TYPE_CHECKING:
    from .account import Account

ROLES = ("ACCOUNTADMIN", "ORGADMIN", "PUBLIC", "SECURITYADMIN", "SYSADMIN", "USERADMIN")
_INHERITS = (
    ("SECURITYADMIN", "ACCOUNTADMIN"),
    ("SYSADMIN", "ACCOUNTADMIN"),
    ("USERADMIN", "SECURITYADMIN"),
)
_HELD = {
    "ACCOUNTADMIN": PRIVILEGES["ACCOUNT"] - {"MANAGE GRANTS"},
    "SECURITYADMIN": {"MANAGE GRANTS", "CREATE NETWORK POLICY"},
    "SYSADMIN": {"CREATE DATABASE", "CREATE WAREHOUSE"},
    "USERADMIN": {"CREATE ROLE", "CREATE USER"},
}
"""Account-level privileges; a role has those of the roles below it too."""
SHARED_ROLES = ("GOVERNANCE_VIEWER", "OBJECT_VIEWER", "SECURITY_VIEWER", "USAGE_VIEWER")
"""The database roles of SNOWFLAKE that show ACCOUNT_USAGE."""
SHARED_SCHEMAS = ("ACCOUNT_USAGE", "IMAGES")
"""Schemas of SNOWFLAKE; ``snow spcs image-registry url`` looks into the second, empty here."""
SYSTEM_POOLS = {"SYSTEM_COMPUTE_POOL_CPU": "CPU_X64_S", "SYSTEM_COMPUTE_POOL_GPU": "GPU_NV_S"}
"""The pools that every account has for ML jobs and model services, and their families."""
SYSTEM_POOL_NODES = 150
SHARED = "SNOWFLAKE"
"""The database that Snowflake shares with every account."""


def databases(account: Account) -> None:
    """Open every database that was kept."""
    for entry in account.catalog.all("DATABASE"):
        account.engine.attach(entry.name)


def fresh(account: Account) -> None:
    """Fill an empty account; changes nothing in one that was kept."""
    catalog = account.catalog
    if catalog.find("ROLE", Path("", "", "ACCOUNTADMIN")) is not None:
        return
    now = account.clock.now()
    with catalog.transaction():
        for role in ROLES:
            catalog.create(Entry(kind="ROLE", path=Path("", "", role), created_on=now))
        for role, parent in _INHERITS:
            grant_role(account, role, "ROLE", parent)
        for role, held in _HELD.items():
            for privilege in sorted(held):
                grant(account, privilege, "ACCOUNT", account.name, role)
        catalog.create(
            Entry(
                kind="WAREHOUSE",
                path=Path("", "", "COMPUTE_WH"),
                owner="SYSADMIN",
                created_on=now,
                properties={"WAREHOUSE_SIZE": "XSMALL", "AUTO_SUSPEND": 600, "STATE": "STARTED"},
            )
        )
        # Snowflake's trial accounts let everyone use this warehouse.
        grant(account, "USAGE", "WAREHOUSE", "COMPUTE_WH", "PUBLIC")
        grant(account, "VIEW LINEAGE", "ACCOUNT", account.name, "PUBLIC")
        _pools(account)
        catalog.create(Entry(kind="DATABASE", path=Path("", "", SHARED), created_on=now))
        for schema in SHARED_SCHEMAS:
            catalog.create(Entry(kind="SCHEMA", path=Path(SHARED, "", schema), created_on=now))
        grant(account, "IMPORTED PRIVILEGES", "DATABASE", SHARED, "ACCOUNTADMIN")
        for role in SHARED_ROLES:
            path = Path(SHARED, "", role)
            catalog.create(Entry(kind="DATABASE ROLE", path=path, created_on=now))
    account.engine.attach(SHARED)
    session = account.internal_session(role="ACCOUNTADMIN")
    for schema in SHARED_SCHEMAS:
        session.connection.raw(f'create schema if not exists "{SHARED}"."{schema}"')
    account.close_session(session)


def _pools(account: Account) -> None:
    """Make the system's compute pools, suspended, for everyone to use."""
    now = account.clock.now()
    for name, family in SYSTEM_POOLS.items():
        entry = Entry(
            kind="COMPUTE POOL",
            path=Path("", "", name),
            owner="ACCOUNTADMIN",
            created_on=now,
            properties={
                "MIN_NODES": 1,
                "MAX_NODES": SYSTEM_POOL_NODES,
                "INSTANCE_FAMILY": family,
                "AUTO_SUSPEND_SECS": 600,
                "suspended": True,
                **dict.fromkeys(("since", "used", "updated"), now.isoformat()),
            },
        )
        account.catalog.create(entry)
        grant(account, "USAGE", "COMPUTE POOL", name, "PUBLIC")


def user(account: Account, name: str, password: str) -> None:
    """Let *name* in with *password* as ACCOUNTADMIN, unless the user stands already."""
    from .tokens import hash_password

    path = Path("", "", name.upper())
    made = account.catalog.create(
        Entry(
            kind="USER",
            path=path,
            owner="ACCOUNTADMIN",
            created_on=account.clock.now(),
            properties={
                "LOGIN_NAME": name.upper(),
                "PASSWORD_HASH": hash_password(password),
                "DEFAULT_ROLE": "ACCOUNTADMIN",
                "DEFAULT_WAREHOUSE": "COMPUTE_WH",
                # So that a role that lacks a grant fails, though its user is an administrator.
                "DEFAULT_SECONDARY_ROLES": [],
            },
        ),
        if_absent=True,
    )
    if made:
        grant_role(account, "ACCOUNTADMIN", "USER", path.name)


def grant_role(account: Account, role: str, to_kind: str, to_name: str) -> None:
    """Grant a role to a role or user."""
    account.catalog.execute(
        "insert or ignore into grants values (?, 'USAGE', 'ROLE', ?, ?, ?, 0, '')",
        (account.clock.now().isoformat(), quoted(role), to_kind, quoted(to_name)),
    )


def grant(account: Account, privilege: str, kind: str, name: str, role: str) -> None:
    """Grant a privilege on an object to a role."""
    account.catalog.execute(
        "insert or ignore into grants values (?, ?, ?, ?, 'ROLE', ?, 0, '')",
        (account.clock.now().isoformat(), privilege, kind, name, quoted(role)),
    )
