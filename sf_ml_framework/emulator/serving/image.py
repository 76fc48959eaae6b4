"""The program of a ``model-build`` container: make the image of a model version.

An image here is a folder with the version's files. What a real build installs is checked instead:
each package that the model asks for must be there, in a version that it allows.

Source: snowflake-ml 2.6, ``runtimes/cpu/env`` of a logged model (conda.yml, requirements.txt).
"""

from __future__ import annotations

import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def main() -> None:
    """Copy the files of ``argv[1]`` to ``argv[2]``; exit with 1 when a package is missing."""
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    missing = [one for one in wanted(source) if not _there(one)]
    for one in missing:
        print(f"ERROR: no matching distribution found for {one}")  # noqa: T201 - the build's log
    if missing:
        sys.exit(1)
    print(f"copying {source.name}")  # noqa: T201 - the build's log
    making = target.with_name(f".{target.name}")
    shutil.rmtree(making, ignore_errors=True)
    shutil.copytree(source, making)
    shutil.rmtree(target, ignore_errors=True)
    making.rename(target)
    print("image built")  # noqa: T201 - the build's log


def wanted(source: Path) -> list[str]:
    """Return the packages that a version's environment asks for, once each."""
    import yaml

    found: list[str] = []
    for file in sorted(source.glob("runtimes/*/env/requirements.txt")):
        lines = (line.strip() for line in file.read_text().splitlines())
        found += [line for line in lines if line and not line.startswith(("#", "-"))]
    for file in sorted(source.glob("runtimes/*/env/conda.yml")):
        listed = (yaml.safe_load(file.read_text()) or {}).get("dependencies") or []
        found += [one.rpartition("::")[2] for one in listed if isinstance(one, str)]
    return [one for one in dict.fromkeys(found) if not one.startswith(("python=", "python<"))]


def _there(text: str) -> bool:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        return True  # a form of conda's own, which only conda can judge
    # The same library under the name of its distribution without GPU.
    names = [requirement.name, f"{requirement.name}-cpu"]
    if requirement.name in {"python", "pip"}:
        return True
    for name in names:
        try:
            return requirement.specifier.contains(version(name), prereleases=True)
        except PackageNotFoundError:
            continue
    return False


if __name__ == "__main__":
    main()
