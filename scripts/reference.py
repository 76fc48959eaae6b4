"""What of the documentation is written from the code: settings, their JSON Schema, privileges.

The Structs of ``settings.py`` and ``targets.py`` are what reads ``mlops.yml``, so their fields,
defaults, bounds and docstrings are what the schema and the reference say.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
import sys
import textwrap
from itertools import pairwise
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SCHEMA = "schemas/mlops.schema.json"
SETTINGS = "docs/reference/settings.md"
PRIVILEGES = "docs/reference/privileges.md"

BEGIN, END = "<!-- written by scripts/derived.py -->", "<!-- end -->"
EXTENDS = "Another target, over which this one is laid: mappings key by key, all else replaced."
TITLES = {
    "Settings": "mlops.yml",
    "LocalSettings": "local",
    "Costs": "costs",
    "EnvironmentSettings": "environments",
    "Target": "targets.<name>",
    "Pool": "targets.<name>.pools.<SIZE>",
    "Tasks": "targets.<name>.tasks",
    "Notifications": "targets.<name>.notifications",
    "Monitoring": "targets.<name>.monitoring",
    "Alerts": "targets.<name>.alerts",
    "MlJobs": "targets.<name>.ml_jobs",
    "NodeChange": "targets.<name>.nodes.<NODE>",
}
MEANINGS = {
    "Settings.local": "How a run on this machine keeps its data.",
    "Settings.costs": "What credits cost, for the commands that tell costs.",
    "Settings.default_target": "Used when a command names no target.",
    "Settings.environments": "What `mlops env create` makes where its line says nothing else.",
    "Target.database": "Everything of the target stands in it. Required, here or in `extends`.",
    "Target.schema": "Schema of tasks, tables, feature views and models.",
    "Target.warehouse_size": "When it is made; one that stands is left as it is.",
    "Target.image_repository": "Repository of the image.",
    "Target.image": "Name of the one image of all nodes.",
    "Target.stage": "Reports, documents and pictures.",
    "Target.pools": "Compute pools, by the size that nodes ask for.",
    "Target.tasks": "How the graph of tasks runs.",
    "Target.notifications": "Who is told how a run ended, and of what alerts find.",
    "Target.monitoring": "Ready views of what ran and what it took.",
    "Target.alerts": "What is looked for while nobody looks.",
    "Target.ml_jobs": "How nodes on several machines run.",
    "Pool.min_nodes": "Machines that are awake while the pool is.",
    "Pool.max_nodes": "Most machines at once; not fewer than `min_nodes`.",
    "Tasks.state": "What a deployment leaves the root as; `kept`: as it was.",
    "Tasks.overlap_policy": "Whether a run may begin while another goes on.",
    "Tasks.auto_retry_attempts": "How often Snowflake repeats what failed.",
    "Notifications.email_integration": "Integration that the finalizer mails by.",
    "Notifications.when": "After which runs somebody is told.",
    "Notifications.success_integration": "The same for runs that succeeded.",
}
"""What a field means that is clear to a reader of the code, and has no docstring there."""


def written() -> dict[str, str]:
    """Return the text of each file that this script writes, by its path."""
    schema = mlops_schema()
    return {
        SCHEMA: json.dumps(schema, indent=2, ensure_ascii=False) + "\n",
        SETTINGS: _between(SETTINGS, settings_tables(schema)),
        PRIVILEGES: _between(PRIVILEGES, privilege_tables()),
    }


def _between(page: str, text: str) -> str:
    """Return *page* with *text* between its two marks."""
    whole = (ROOT / page).read_text(encoding="utf-8")
    head, _, rest = whole.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n\n{text}\n{END}{tail}"


def mlops_schema() -> dict[str, Any]:
    """Return the JSON Schema of ``mlops.yml``."""
    import msgspec

    from sf_ml_framework import settings, targets

    _, found = msgspec.json.schema_components(
        [settings.Settings, targets.Target], ref_template="#/$defs/{name}"
    )
    definitions: dict[str, Any] = found
    for name, definition in sorted(definitions.items()):
        kind = getattr(settings, name, None) or getattr(targets, name)
        definition["description"] = _plain(definition["description"])
        docs = field_docs(kind)
        docs |= {said: docs[field] for field, said in _encoded(kind).items() if field in docs}
        for field, about in definition.get("properties", {}).items():
            said = docs.get(field) or MEANINGS.get(f"{name}.{field}", "")
            about["description"] = _plain(said)
    target = definitions["Target"]
    del target["properties"]["name"]  # It is the key that the target stands under.
    # What commands fill in is written by nobody.
    del target["properties"]["environment"], definitions["Settings"]["properties"]["made"]
    del definitions["Environment"]
    overlay = definitions["EnvironmentSettings"]["properties"]["target"]
    overlay["$ref"] = "#/$defs/Target"
    target["properties"]["extends"] = {"type": "string", "default": "", "description": EXTENDS}
    target["required"] = []  # What one target leaves out, the one that it extends may say.
    sizes = definitions.pop("PoolSize")["enum"]
    target["properties"]["pools"]["propertyNames"] = {"enum": sizes}
    whole = definitions.pop("Settings")
    whole["properties"]["targets"]["additionalProperties"] = {"$ref": "#/$defs/Target"}
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "mlops.yml"}
    return {**head, **{k: v for k, v in whole.items() if k != "title"}, "$defs": definitions}


def _encoded(kind: Any) -> dict[str, str]:
    """Return for each field how it is written; of a class of words there are none."""
    if not hasattr(kind, "__struct_fields__"):
        return {}
    return dict(zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True))


def field_docs(kind: type) -> dict[str, str]:
    """Return the docstring that stands below each field of *kind*, where there is one."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    lines = tree.body if isinstance(tree, ast.ClassDef) else []
    docs: dict[str, str] = {}
    for field, below in pairwise(lines):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
        ):
            docs[field.target.id] = inspect.cleandoc(str(below.value.value))
    return docs


def _plain(text: str) -> str:
    return re.sub(r"``([^`]+)``", r"`\1`", " ".join(text.split()))


def settings_tables(schema: dict[str, Any]) -> str:
    """Return a table of settings for each mapping of ``mlops.yml``."""
    parts = []
    for name, title in TITLES.items():
        mapping = schema if name == "Settings" else schema["$defs"][name]
        parts += [f"### `{title}`", "", mapping["description"], ""]
        parts += ["| setting | type | default | meaning |", "|---|---|---|---|"]
        parts += [
            f"| `{field}` | {_type(about)} | {_default(field, about, mapping)} "
            f"| {about.get('description', '').replace('|', '&#124;')} |"
            for field, about in mapping["properties"].items()
        ]
        parts.append("")
    return "\n".join(parts)


def _type(about: dict[str, Any]) -> str:
    if "enum" in about:
        return ", ".join(f"`{each}`" for each in about["enum"] if each)
    if "$ref" in about or about.get("type") == "object":
        return "mapping"
    if "anyOf" in about:
        kinds = [_type(each) for each in about["anyOf"] if each.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if about["type"] == "array":
        return "list of texts"
    bounds = [str(about[key]) for key in ("minimum", "maximum") if key in about]
    kinds = {"string": "text", "integer": "integer", "number": "number", "boolean": "truth value"}
    return kinds[about["type"]] + (f", {' to '.join(bounds)}" if len(bounds) == 2 else "")


def _default(field: str, about: dict[str, Any], mapping: dict[str, Any]) -> str:
    if field in mapping["required"]:
        return "required"
    default = about.get("default")
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    said = isinstance(default, int | float | str) and default != ""
    return f"`{default}`" if said else ""


def privilege_tables() -> str:
    """Return each privilege of the churn project's roles in the target dev, and its reason."""
    from sf_ml_framework import settings, targets
    from sf_ml_framework.manifest.build import build
    from sf_ml_framework.manifest.load import load_project
    from sf_ml_framework.plan.access import grants

    found = settings.load(ROOT, {})
    target = targets.load(found, "dev")
    rows: dict[tuple[str, str, str, str], list[str]] = {}
    for grant in grants(build(load_project(ROOT, found.project), ROOT), target):
        # Without the number of the line, which every edit above it moves.
        why = re.sub(r"(\.py):\d+:", r"\1:", grant.why)
        rows.setdefault((grant.to, grant.on, grant.name, why), []).append(grant.privilege)
    parts = []
    for role in (target.deploy_role, target.role, target.read_role, "SYSADMIN"):
        parts += [f"### `{role}`", "", "| privilege | on | because of |", "|---|---|---|"]
        for (to, on, name, why), privileges in rows.items():
            if to == role:
                kind = f"{on.lower()} in" if on.startswith("FUTURE") else on.lower()
                where = f"{kind} `{name}`" if name else "the account"
                parts.append(f"| `{', '.join(privileges)}` | {where} | {_code(why)} |")
        parts.append("")
    return "\n".join(parts)


def _code(why: str) -> str:
    """Return *why* with the place that it names as code."""
    return re.sub(r"^(mlops\.yml: \S+|[\w/]+\.py)", r"`\1`", why)


def stale(*, check: bool) -> list[str]:
    """Return the files that are not as they should be; unless *check*, write them."""
    sys.path.insert(0, str(ROOT))
    found = []
    for name, text in written().items():
        file = ROOT / name
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            found.append(name)
            if not check:
                file.parent.mkdir(exist_ok=True)
                file.write_text(text, encoding="utf-8")
    return found
