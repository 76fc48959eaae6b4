"""Who may do what: roles, grants, and what each statement needs.

How a room says what its statements need
----------------------------------------
One line for each, in the room's ``install``::

    account.needs("CREATE TASK", privilege="CREATE TASK", on="SCHEMA")
    account.needs("ALTER TASK", then="RESUME|SUSPEND", privilege="OPERATE", on="TASK")
    account.needs("EXECUTE TASK", privilege="OPERATE", on="TASK")
    account.needs("DROP TASK", privilege="OWNERSHIP", on="TASK")
    account.needs("CREATE TASK", uses="WAREHOUSE =", privilege="USAGE", on="WAREHOUSE")
    account.needs("CREATE COMPUTE POOL", privilege="CREATE COMPUTE POOL", on="ACCOUNT")
    account.needs("EXECUTE JOB SERVICE", named="NAME =", kind="SERVICE",
                  privilege="CREATE SERVICE", on="SCHEMA")

``privilege`` may be ``A|B`` (either will do); OWNERSHIP of the object always will. ``on`` is the
kind of the object that the statement names (the object itself), the SCHEMA or DATABASE that it is
in, or ACCOUNT. OR REPLACE, OR ALTER, IF [NOT] EXISTS need not be written; replacing needs OWNERSHIP
of what stands. USAGE on database and schema of whatever is named is always needed. All lines of a
statement hold together; a line with ``then`` holds only where one of its words follows the name,
and then those without it do not. What a REST route needs is asked with ``account.require(session,
"USAGE", "COMPUTE POOL", path)``.

For an object that is made or dropped through ``account.catalog`` nothing else is to be done: its
owner, grants on it and future grants follow it.

:mod:`.rights` knows who holds what, :mod:`.needs` what statements need, :mod:`.foundation` is the
table for the foundation's statements, :mod:`.references` finds the objects of a parsed query,
:mod:`.grants` keeps grants, :mod:`.kinds` says which privileges a kind of object has.
"""

from __future__ import annotations
