"""The settings, their schema and the privileges in the reference are those of the code."""

import json
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from sf_ml_framework.cli.commands import COMMANDS

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def validator():
    """What an editor checks ``mlops.yml`` with."""
    schema = json.loads((ROOT / "schemas" / "mlops.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_what_derives_from_the_code_is_up_to_date():
    done = subprocess.run(
        [sys.executable, "scripts/derived.py", "--check"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", ["mlops.yml", "examples/telco/mlops.yml"])
def test_our_own_settings_are_valid(validator, name):
    settings = yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))

    assert [error.message for error in validator.iter_errors(settings)] == []


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({}, "'project' is a required property"),
        ({"project": "a:B", "locl": {}}, "'locl' was unexpected"),
        ({"project": "a:B", "local": {"format": "xls"}}, "'xls' is not one of"),
        ({"project": "a:B", "targets": {"dev": {"pool": {}}}}, "'pool' was unexpected"),
        ({"project": "a:B", "targets": {"dev": {"pools": {"HUGE": {}}}}}, "'HUGE' is not one of"),
        (
            {"project": "a:B", "targets": {"dev": {"tasks": {"auto_retry_attempts": 31}}}},
            "31 is greater than the maximum of 30",
        ),
    ],
)
def test_what_the_program_refuses_the_schema_refuses(validator, settings, fault):
    faults = [error.message for error in validator.iter_errors(settings)]

    assert len(faults) == 1
    assert fault in faults[0]


def test_every_setting_has_a_meaning(validator):
    mappings = {"mlops.yml": validator.schema, **validator.schema["$defs"]}

    assert [
        f"{name}.{field}"
        for name, mapping in mappings.items()
        for field, about in mapping["properties"].items()
        if not about.get("description")
    ] == []


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=lambda page: page.name)
def test_the_settings_that_a_page_shows_are_valid(validator, page):
    flags = re.MULTILINE | re.DOTALL
    shown = [
        yaml.safe_load(text)
        for text in re.findall(r"^```yaml.*?\n(.*?)^```", page.read_text(encoding="utf-8"), flags)
        if re.search(r"^(default_target|targets|project):", text, re.MULTILINE)
    ]

    for settings in shown:
        whole = {"project": "a:B", **settings}
        assert [error.message for error in validator.iter_errors(whole)] == []


@pytest.mark.parametrize(
    "page", [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))],
    ids=lambda page: page.name,
)  # fmt: skip
def test_the_links_of_a_page_lead_somewhere(page):
    text = re.sub(
        r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )

    for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if "://" not in link:
            assert (page.parent / link).exists(), link


@pytest.mark.parametrize("name", [name for name, entry in COMMANDS.items() if not entry.alias_of])
def test_usage_has_every_command(name):
    assert f"mlops {name}" in (ROOT / "USAGE.md").read_text(encoding="utf-8")
