"""Going back: an earlier recorded state is what is wanted now, and the rest is any deployment."""

from __future__ import annotations

import msgspec

from sf_ml_framework.deploy.faults import DeployError
from sf_ml_framework.deploy.records import Deployment
from sf_ml_framework.plan.objects import FORMAT, Desired, Image, Observed


def state_of(deployment: Deployment, wanted: Desired) -> Desired:
    """Return the state that *deployment* applied.

    Args:
        deployment: with its state.
        wanted: what the code says now; tells which place is meant.

    Raises:
        DeployError: it is of another place, or of a format that this version does not read.
    """
    try:
        state = msgspec.json.decode(deployment.desired, type=Desired)
    except msgspec.DecodeError as error:
        raise DeployError(
            f"the state of deployment {deployment.deployment} cannot be read: {error}",
            remedy="roll back with the version of sf_ml_framework that made it"
            + (f", {deployment.framework}" if deployment.framework else ""),
        ) from error
    if state.format != FORMAT:
        raise DeployError(
            f"the state of deployment {deployment.deployment} has format {state.format}, and this"
            f" version reads {FORMAT}",
            remedy=f"roll back with sf_ml_framework {deployment.framework}",
        )
    there, here = (f"{one.database}.{one.schema}" for one in (state, wanted))
    if (state.project, there) != (wanted.project, here):
        raise DeployError(
            f"deployment {deployment.deployment} is of project {state.project} in {there}, not of"
            f" {wanted.project} in {here}",
            remedy="name one that `mlops deployments` lists",
        )
    return state


def moved_tag(deployment: Deployment, observed: Observed) -> str:
    """Return how the image of *deployment* differs from what its tag stands for now, in words.

    Empty where it does not, where the digest was not recorded, or where there is no such image.
    """
    image, _, digest = deployment.image.partition("@")
    for thing in observed.objects:
        if isinstance(thing, Image) and thing.name == image and thing.digest != digest:
            return f"{image} was {digest} then and is {thing.digest} now" if digest else ""
    return ""
