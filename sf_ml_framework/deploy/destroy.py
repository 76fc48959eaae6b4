"""Taking a deployment away: a plan to what is left when the graph and its pools are gone.

Stages, image repositories, databases, schemas, tables, views, roles and warehouses stay: they hold
what runs have made, and the record of all this.
"""

from __future__ import annotations

import msgspec

from sf_ml_framework.plan.objects import Alert, Desired, FeatureView, Grant, Image, Pool, Task


def remains_of(desired: Desired) -> Desired:
    """Return the state in which nothing of *desired* runs or costs anything any more."""
    gone = {(("COMPUTE POOL", one.name)) for one in desired.objects if isinstance(one, Pool)}
    return msgspec.structs.replace(
        desired,
        objects=tuple(
            one
            for one in desired.objects
            if not isinstance(one, Task | Alert | Pool | Image | FeatureView)
            and not (isinstance(one, Grant) and (one.on, one.name) in gone)
        ),
    )
