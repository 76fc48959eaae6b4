"""Who may use the repository of the image, which may be another target's."""

from __future__ import annotations

from collections.abc import Iterator

from sf_ml_framework.plan import names
from sf_ml_framework.plan.objects import Grant
from sf_ml_framework.targets import Target


def grants(target: Target, why: str) -> Iterator[Grant]:
    """Yield what lets containers run the image and, of another target's repository, lets it in.

    Another's repository is not the deploy role's to grant: the account's administrator does, and
    lets the deploy role push to it.
    """
    yield from using(target, target.role, ("READ",), why)
    shared = target.environment is not None and target.environment.shared
    if not names.has_own_images(target) and not shared:
        yield from using(target, target.deploy_role, ("READ", "WRITE"), why)


def using(target: Target, role: str, privileges: tuple[str, ...], why: str) -> Iterator[Grant]:
    """Yield what gives *role* some privileges on the repository, and lets it reach another's."""
    repository = names.image_repository(target)
    database, schema, _ = repository.split(".")
    own = names.has_own_images(target)
    wanted = [(privilege, "IMAGE REPOSITORY", repository) for privilege in privileges]
    if not own:
        way = [("USAGE", "DATABASE", database), ("USAGE", "SCHEMA", f"{database}.{schema}")]
        wanted = [*way, *wanted]
    for privilege, on, name in wanted:
        yield Grant(privilege=privilege, on=on, name=name, to=role, why=why, of_others=not own)
