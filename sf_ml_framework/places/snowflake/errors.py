"""What Snowflake and its clients answer, as errors of ours: who must act, and what to do.

A refusal is an ``OperatorError``: nothing of the statement was done. A lost connection or a fault
of the server is a ``PlatformError``: whether it was done is not known. A value that does not fit is
a ``DataError``.

Source: the numbers are those of the connector 4.8 (``errorcode.py``, ``network.py``), of samples in
the documentation, and of what people report in public issues; where only the text is known, the
text decides.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, NamedTuple

from sf_ml_framework.errors import (
    DataError,
    FrameworkError,
    OperatorError,
    PlatformError,
)
from sf_ml_framework.places.snowflake import missing_grant


class RefusedError(OperatorError):
    """Snowflake refused a statement; nothing of it was done."""

    def __init__(
        self, message: str, *, remedy: str = "", number: int = 0, query_id: str = ""
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.number = number
        """Snowflake's number of the error; 0 where it gave none."""
        self.query_id = query_id


class AccessDeniedError(RefusedError):
    """A role lacks a privilege; ``grant`` is the statement that gives it, where it is known."""

    grant: str = ""


class SignInError(RefusedError):
    """Who we say we are was not believed, or may not come in."""


class AbsentError(RefusedError):
    """Something is not there, or the role may not see it; Snowflake does not say which."""


class ExistsError(RefusedError):
    """Something of that name is there already."""


class ConnectionLostError(PlatformError):
    """The connection broke; whether the last statement was done is not known."""


class ServerFaultError(PlatformError):
    """The server failed over a statement; whether it was done is not known."""


class UnfitValueError(DataError):
    """A value does not fit its column or its type."""


SIGN_IN_AGAIN = frozenset({390104, 390111, 390113, 390114, 390115, 390318})
"""The session is over and the statement was not run.

Source: connector 4.8, ``network.py`` (MASTER_TOKEN_*, OAUTH_ACCESS_TOKEN_EXPIRED); 390114 comes
after four idle hours: gosnowflake issue 160. 390112 is absent: the connector renews that itself.
"""

NOT_RUN = frozenset({625})
"""The statement was turned away before it did anything, and may be sent again.

Source: public reports of 000625, more than 20 statements wait for one table's lock.
"""

_LOST = frozenset({250001, 250002, 250003, 250005, 251011, 251012, 252007})
_LOST_TYPES = frozenset(
    "ServiceUnavailableError GatewayTimeoutError BadGatewayError InternalServerError"
    " RequestTimeoutError TooManyRequests OtherHTTPRetryableError RequestExceedMaxRetryError"
    " RevocationCheckError NonRetryableTlsError".split()
)


class _Rule(NamedTuple):
    """What one kind of answer means."""

    kind: type[RefusedError] | type[PlatformError] | type[DataError]
    numbers: Collection[int]
    pattern: str
    """Of the text, where the number is not known; empty: the number alone decides."""
    what: str
    remedy: str

    def covers(self, number: int, text: str) -> bool:
        """Return whether the answer is of this kind."""
        return number in self.numbers or bool(
            self.pattern and re.search(self.pattern, text, re.IGNORECASE)
        )


_OF_SIGNING_IN = (
    _Rule(
        SignInError, (390318, 394401, *SIGN_IN_AGAIN), r"token (?:has )?expired",
        "what we signed in with is no longer valid",
        "get a new token, or sign in with a key pair, which does not expire",
    ),
    _Rule(
        SignInError, (390100,), r"incorrect username or password",
        "Snowflake did not accept the credentials",
        "check user and password; `mlops doctor` tells where each came from",
    ),
    _Rule(
        SignInError, (390144, *range(394300, 394307)), r"JWT token is invalid",
        "Snowflake did not accept the key",
        "check that the user has its public half (ALTER USER … SET RSA_PUBLIC_KEY), that account"
        " and user are right, and that this machine's clock is",
    ),
    _Rule(
        SignInError, (390303, 394400), r"invalid OAuth access token",
        "Snowflake did not accept the token",
        "check that it is of this account and user, whole, and not revoked",
    ),
    _Rule(
        SignInError, (390189,), r"specified in the connect string",
        "the role cannot be used",
        "GRANT ROLE <role> TO USER <user>; or name another role with --role",
    ),
    _Rule(
        SignInError, (390101,), r"user access disabled",
        "the user is disabled", "ALTER USER <user> SET DISABLED = FALSE;",
    ),
    _Rule(
        SignInError, (390422, 390432), r"IP .* is not allowed|network policy",
        "a network policy keeps us out",
        "add this machine's address to the policy, or connect from an allowed one",
    ),
    _Rule(
        SignInError, (390202,), r"rejected by the current authentication policy",
        "an authentication policy does not let this user sign in so",
        "sign in as it allows; an administrator sees it: SHOW AUTHENTICATION POLICIES",
    ),
    _Rule(
        SignInError, (251017, 251018, 251021), r"workload.identity",
        "signing in by workload identity failed",
        "check provider and token, and that the host is one of Snowflake's own",
    ),
)  # fmt: skip

_OF_A_STATEMENT = (
    _Rule(
        RefusedError, (606,), r"no active warehouse selected",
        "no warehouse is there to run {statement}, or role {role} may not use it",
        "create the warehouse that the target names, or GRANT USAGE ON WAREHOUSE <name> TO ROLE"
        " {role};",
    ),
    _Rule(
        RefusedError, (90073,), r"exceeded its quota|trial has ended",
        "the credits are used up",
        "raise CREDIT_QUOTA of the resource monitor, or wait for its next period",
    ),
    _Rule(
        AbsentError, (395092,), r"failed to retrieve image",
        "the image is not in the repository",
        "build and push it, with the tag that the target names",
    ),
    _Rule(
        RefusedError, (392503,), r"compute pool .*suspended",
        "the compute pool is suspended",
        "ALTER COMPUTE POOL <name> RESUME; or let it resume by itself (AUTO_RESUME = TRUE)",
    ),
    _Rule(
        ExistsError, (1998, 2002, 2041, 92917, 399020), r"already exists",
        "{statement} meets something that is there already",
        "drop it, or give yours another name or version",
    ),
    _Rule(
        UnfitValueError, (100035, 100038, 100039, 100040, 100046, 100069, 100072, 100078, 100080),
        r"' is not recognized|NULL result in a non-nullable column",
        "a value does not fit", "mend the data, or the column's type",
    ),
    _Rule(
        ServerFaultError, (603, 300002), r"internal error",
        "Snowflake failed by itself",
        "run again; give Snowflake's support the incident when it goes on",
    ),
    _Rule(
        RefusedError, (630,), r"statement reached its .* timeout|due to a timeout",
        "{statement} took too long",
        "raise STATEMENT_TIMEOUT_IN_SECONDS, or use a larger warehouse",
    ),
    _Rule(
        RefusedError, (604,), r"execution canceled",
        "{statement} was cancelled", "run again if nobody meant to stop it",
    ),
    _Rule(
        ServerFaultError, NOT_RUN, "",
        "{statement} waited in vain for what others write", "run again in a while",
    ),
)  # fmt: skip
"""In this order: the first that covers an answer tells it."""


def translated(error: BaseException, *, sql: str = "", role: str = "") -> FrameworkError:
    """Return *error*, which a client of Snowflake raised, as one of ours.

    Args:
        error: of the connector, of Snowpark, or of the ML library around one of these.
        sql: the statement that failed; empty while signing in.
        role: the role that ran it.
    """
    if isinstance(error, FrameworkError):
        return error
    inner = _innermost(error)
    number, text = _number(inner), message_of(inner)
    role = role or "<role>"
    found = (
        _of_connection(number, text, inner, signing_in=not sql)
        or _of_privilege(number, text, sql, role)
        or _by_rule(_OF_A_STATEMENT, number, text, sql, role)
        or _of_absence(number, text, sql, role)
        or RefusedError(f"Snowflake refused {_statement(sql)}: {text}")
    )
    if isinstance(found, RefusedError):
        found.number, found.query_id = number, str(getattr(inner, "sfqid", None) or "")
    return found


def message_of(error: BaseException) -> str:
    """Return what Snowflake said, on one line, without its own prefixes."""
    text = str(getattr(error, "raw_msg", None) or getattr(error, "raw_message", None) or error)
    text = re.sub(r"^\s*(?:\(\d+\): )?(?:[0-9a-f-]{36}: )?\d{6} \(\w{5}\): ", "", text)
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}: ", "", text)
    text = re.sub(r"SQL (?:compilation|execution|access control) error:\s*", "", text)
    text = re.sub(r"Failed to connect to DB: \S+, ", "", text)
    return " ".join(text.split()) or type(error).__name__


def number_of(error: BaseException) -> int:
    """Return Snowflake's number of what a client raised; 0 where it has none."""
    return _number(_innermost(error))


def _innermost(error: BaseException, above: tuple[BaseException, ...] = ()) -> BaseException:
    """Return the connector's error inside one of Snowpark's or of the ML library's.

    The ML library raises what it was given from its own error, which holds it: a ring.
    """
    if type(error).__module__.startswith("snowflake.connector."):
        return error
    above = (*above, error)
    for name in ("conn_error", "original_exception", "__cause__"):
        inner = getattr(error, name, None)
        known = name != "__cause__" or type(inner).__module__.startswith("snowflake.")
        if isinstance(inner, BaseException) and known and inner not in above:
            return _innermost(inner, above)
    return error


def _number(error: BaseException) -> int:
    for name in ("errno", "sql_error_code"):
        number: Any = getattr(error, name, None)
        if isinstance(number, int | str) and str(number).isdigit():
            return int(number)
    return 0


def _statement(sql: str) -> str:
    """Return the head of a statement: what it is, never a value of it."""
    head = re.split(r"['$(?=]", " ".join(sql.split()), maxsplit=1)[0].strip()
    return f"`{head[:80]} …`" if head else "to let us in"


def _by_rule(
    rules: Collection[_Rule], number: int, text: str, sql: str, role: str
) -> FrameworkError | None:
    for rule in rules:
        if rule.covers(number, text):
            names = {"statement": _statement(sql), "role": role}
            return rule.kind(
                f"{rule.what.format(**names)}: {text}", remedy=rule.remedy.format(**names)
            )
    return None


def _of_connection(
    number: int, text: str, error: BaseException, *, signing_in: bool
) -> FrameworkError | None:
    if number in SIGN_IN_AGAIN or signing_in:
        found = _by_rule(_OF_SIGNING_IN, number, text, "", "")
        if found:
            return found
    if number == 251008 or (signing_in and isinstance(error, TypeError | ValueError)):
        return SignInError(
            f"the private key cannot be used: {text}",
            remedy="check the file, and PRIVATE_KEY_PASSPHRASE where the key is encrypted",
        )
    if number in (290403, 290404) or "Verify the account name is correct" in text:
        return SignInError(
            f"no account answers there: {text}", remedy="check the account's identifier and host"
        )
    lost = number in _LOST or 290000 <= number < 291000 or isinstance(error, OSError)
    if lost or type(error).__name__ in _LOST_TYPES:
        return ConnectionLostError(
            f"the connection to Snowflake failed: {text}",
            remedy="check account, host, network and proxy, then run again",
        )
    return None


def _of_privilege(number: int, text: str, sql: str, role: str) -> FrameworkError | None:
    told = "nsufficient privileges" in text or "privilege must be granted to owner role" in text
    if not told and number not in (3001, 3013, 3102):
        return None
    grant = missing_grant.grant_for(text, sql, role)
    denied = AccessDeniedError(
        f"role {role} may not run {_statement(sql)}: {text}",
        remedy=f"run as a role that may: {grant}" if grant else "ask who administers the account",
    )
    denied.grant = grant
    return denied


def _of_absence(number: int, text: str, sql: str, role: str) -> FrameworkError | None:
    if number not in (2003, 2043, 399012, 399019) and "does not exist" not in text:
        return None
    kind, name = missing_grant.absent(text)
    if not kind:
        return AbsentError(
            f"{_statement(sql)} names what is not there, or what role {role} may not see: {text}",
            remedy="create it, or grant the role a privilege on it and USAGE on its schema",
        )
    grant = missing_grant.grant_to_see(kind, name, sql, role)
    return AbsentError(
        f"{kind.lower()} {name} is not there, or role {role} may not see it",
        remedy=f"create it; or, where it is there: {grant}",
    )
