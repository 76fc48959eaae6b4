"""Which GRANT a refused statement lacks.

Snowflake names the object that a role may not operate on, and at times the privilege; what it
leaves out follows from the statement.

Source: Snowflake, "Access control privileges", and the privileges section of each statement's page.
"""

from __future__ import annotations

import re

_ROLE_LACKS = re.compile(
    r"role '?\"?(?P<role>[\w$]+)\"?'? must have (?P<privilege>[\w ]+?) granted on"
    r" (?P<on>[^\n]+?)\.?\s*$",
    re.IGNORECASE | re.MULTILINE,
)
"""The newer messages: ``Your primary role R must have CREATE TASK granted on SCHEMA D.S``."""
_OPERATE_ON = re.compile(
    r"Insufficient privileges to operate on (?:(?P<kind>[A-Za-z ]+?) '(?P<name>[^'\n]*)'"
    r"|(?P<bare>[A-Za-z]+))"
)
_OWNER_LACKS = re.compile(
    r"(?P<privilege>EXECUTE (?:MANAGED )?(?:TASK|ALERT)) privilege must be granted to owner role"
)
_ABSENT = re.compile(
    r"(?P<kind>[A-Za-z][A-Za-z ]*?) '(?P<name>[^'\n]+)' does not exist or not authorized"
)

_CREATES = re.compile(
    r"\s*CREATE\s+(?:OR\s+(?:REPLACE|ALTER)\s+)?(?:(?:TEMP|TEMPORARY|TRANSIENT|LOCAL|GLOBAL|SECURE)"
    r"\s+)*(?P<kind>COMPUTE POOL|IMAGE REPOSITORY|DYNAMIC TABLE|FILE FORMAT|[A-Z]+)\b",
    re.IGNORECASE,
)
_VERBS: tuple[tuple[str, str], ...] = (
    (r"SELECT|WITH", "SELECT"),
    (r"INSERT|COPY\s+INTO\s+(?!@)", "INSERT"),
    (r"UPDATE", "UPDATE"),
    (r"DELETE", "DELETE"),
    (r"TRUNCATE", "TRUNCATE"),
    (r"PUT|REMOVE|RM|COPY\s+INTO\s+@", "WRITE"),
    (r"GET|LIST|LS", "READ"),
    (r"EXECUTE\s+JOB|USE|CALL|DESC|DESCRIBE|SHOW", "USAGE"),
    (r"EXECUTE\s+TASK|ALTER\s+TASK\s+.*\b(?:RESUME|SUSPEND)\b", "OPERATE"),
    (r"ALTER\s+(?:COMPUTE\s+POOL|WAREHOUSE)\s+.*\b(?:RESUME|SUSPEND|STOP)\b", "OPERATE"),
    (r"ALTER\s+(?:COMPUTE\s+POOL|WAREHOUSE)\b", "MODIFY"),
    (r"ALTER|DROP", "OWNERSHIP"),
)
_TABLES = {"TABLE", "VIEW", "DYNAMIC TABLE", "OBJECT"}
_OUTSIDE_SCHEMAS = {"COMPUTE POOL", "WAREHOUSE", "DATABASE", "INTEGRATION", "ROLE", "ACCOUNT"}
_ON_STAGE = {"READ", "WRITE"}
_READ = {"COMPUTE POOL": "USAGE", "WAREHOUSE": "USAGE", "DATABASE": "USAGE", "SCHEMA": "USAGE"}
_READ |= {"IMAGE REPOSITORY": "READ", "STAGE": "READ", "SECRET": "READ", "TASK": "MONITOR"}
_READ |= {"INTEGRATION": "USAGE", "FUNCTION": "USAGE", "PROCEDURE": "USAGE", "MODEL": "USAGE"}
_READ |= {"EXTERNAL ACCESS INTEGRATION": "USAGE", "ROLE": "USAGE"}


def grant_for(message: str, sql: str, role: str) -> str:
    """Return the GRANT that lets *role* run *sql*, which was refused with *message*; empty if none.

    Args:
        message: what Snowflake answered.
        sql: the statement.
        role: the role that ran it, as it is written in SQL.
    """
    if found := _ROLE_LACKS.search(message):
        on = found["on"].replace("'", "")
        return f"GRANT {found['privilege'].upper()} ON {on} TO ROLE {found['role']};"
    if found := _OWNER_LACKS.search(message):
        return f"GRANT {found['privilege']} ON ACCOUNT TO ROLE {role};"
    if found := _OPERATE_ON.search(message):
        kind, name = (found["kind"] or found["bare"]).upper(), found["name"] or ""
        if kind == "ACCOUNT":
            return f"GRANT {_created(sql) or 'MANAGE GRANTS'} ON ACCOUNT TO ROLE {role};"
        return _grant(_needed(kind, sql), kind, _qualified(kind, name, sql), role)
    return ""


def absent(message: str) -> tuple[str, str]:
    """Return kind and name of what is not there, or may not be seen; empty where none is named."""
    found = _ABSENT.search(message)
    if not found:
        return "", ""
    kind = found["kind"].upper().split(":")[-1].strip()
    return ("TABLE" if kind == "OBJECT" else kind), found["name"]


def grant_to_see(kind: str, name: str, sql: str, role: str) -> str:
    """Return the GRANT by which *role* may use an object that is there."""
    return _grant(_needed(kind, sql), kind, _qualified(kind, name, sql), role)


def _qualified(kind: str, name: str, sql: str) -> str:
    """Return *name* as *sql* qualifies it: a person grants in a session of another schema."""
    if not name or "." in name or '"' in name:
        return name
    part = r'(?:"[\w$]+"|[\w$]+)'
    written = rf'"?{re.escape(name)}"?'
    if kind == "SCHEMA":
        found = re.search(rf'(?<![\w$".])({part})\.{written}\.', sql, re.IGNORECASE)
    elif kind in _OUTSIDE_SCHEMAS:
        return name
    else:
        found = re.search(
            rf'(?<![\w$".])({part})\.({part})\.{written}(?![\w$".])', sql, re.IGNORECASE
        )
    above = found.groups() if found else ()
    # Quotes are left where the name would be another without them.
    plain = [each.strip('"') if each.strip('"').isupper() else each for each in above]
    return ".".join([*plain, name])


def _created(sql: str) -> str:
    found = _CREATES.match(sql)
    return f"CREATE {' '.join(found['kind'].upper().split())}" if found else ""


def _needed(kind: str, sql: str) -> str:
    """Return the privilege on an object of *kind* that *sql* needs."""
    created = _created(sql)
    if kind in ("SCHEMA", "DATABASE") and created:
        # A job needs what a service needs. Source: "EXECUTE JOB SERVICE".
        return created
    if kind == "SCHEMA" and re.match(r"\s*EXECUTE\s+JOB\b", sql, re.IGNORECASE):
        return "CREATE SERVICE"
    verb = _merged(sql) or next(
        (word for text, word in _VERBS if re.match(rf"\s*(?:{text})", sql, re.IGNORECASE)), ""
    )
    if kind in _TABLES:
        return verb or "SELECT"
    if kind in ("STAGE", "IMAGE REPOSITORY") and verb in _ON_STAGE:
        return verb
    if verb in ("OPERATE", "MODIFY", "OWNERSHIP") and kind not in ("SCHEMA", "DATABASE"):
        return verb
    return _READ.get(kind, verb or "USAGE")


def _merged(sql: str) -> str:
    """Return what a MERGE does to its rows; empty for other statements."""
    if not re.match(r"\s*MERGE\b", sql, re.IGNORECASE):
        return ""
    done = {verb.upper() for verb in re.findall(r"\bTHEN\s+(\w+)", sql, re.IGNORECASE)}
    return ", ".join(verb for verb in ("INSERT", "UPDATE", "DELETE") if verb in done)


def _grant(privilege: str, kind: str, name: str, role: str) -> str:
    where = f"{kind} {name}".strip()
    return f"GRANT {privilege} ON {where} TO ROLE {role};"
