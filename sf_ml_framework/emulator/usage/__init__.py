"""What ran, and what it would have cost: the rows of the usage views, from what really happened.

Queries and metering are told from the queries that the account remembers (the newest 5,000) and,
with a state directory, from those that :mod:`.kept` has of earlier servers; logins, services and
tasks from what is kept. ACCOUNT_USAGE has no delay here.
"""

from __future__ import annotations
