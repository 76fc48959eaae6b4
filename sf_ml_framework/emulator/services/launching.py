"""What a container of an image that was built finds; it is at home in its own root directory.

The same as in :mod:`.surroundings`, but at the paths that the specification says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..containers.runtime import Containers, Run
from . import surroundings
from .imaging import Runner
from .processes import Command
from .spec import Container

if TYPE_CHECKING:
    from pathlib import Path as FilePath

    from ..account import Account

_SESSION = "/snowflake/session"


def prepare(
    account: Account, place: surroundings.Place, container: Container, runner: Runner
) -> Command:
    """Lay everything out, make the container and return the command that runs it.

    Raises:
        SnowflakeError: the container cannot be made.
    """
    surroundings.write_secrets(account, place, container)
    env = {**surroundings.told(account, place), **runner.env, **container.env}
    for use in container.secrets:
        if use.variable:
            env[use.variable] = surroundings.secret_value(account, place.secrets[use.name], use.key)
    if container.token:
        env["SNOWFLAKE_TOKEN_FILE"] = f"{_SESSION}/token"
    argv = [*(container.command or runner.entrypoint)]
    argv += container.args or (() if container.command else runner.command)
    containers = account.part(Containers)
    # The directory of an instance is <service's number>/<instance>/root.
    number = place.root.parts[-3]
    return containers.runtime.begin(
        Run(
            name=f"{containers.prefix}{number}-{place.instance}-{container.name}",
            image=runner.image,
            argv=tuple(argv),
            env=env,
            mounts=_mounts(place, container),
            workdir=runner.workdir,
            user=runner.user,
        )
    )


def _mounts(place: surroundings.Place, container: Container) -> tuple[tuple[FilePath, str], ...]:
    made = [(place.inside(_SESSION), _SESSION)]
    for volume, path in container.mounts:
        source = place.volumes[volume]
        if not source.exists():
            source.mkdir(parents=True)
            # An image's own user writes there; the instance's directory keeps all others out.
            source.chmod(0o777)
        made.append((source, path))
    made += [
        (place.inside(use.directory), use.directory) for use in container.secrets if use.directory
    ]
    return tuple(made)
