"""A function reaches what it names, what that names, and what its imports carry out."""

import pytest


def test_a_function_reaches_what_it_names_and_nothing_beside_it(sources):
    sources.write(
        one="""
        LIMIT = 3
        OTHER = 4
        def clip(x): return min(x, LIMIT)
        def unused(x): return x
        def node(x): return clip(x)
    """
    )

    assert sources.of("one:node").code.keys() == {
        "one:node", "one:clip", "one:LIMIT", "one:<module>",
    }  # fmt: skip


def test_a_helper_two_imports_away_is_reached(sources):
    sources.write(
        src__node="from src.middle import half\ndef node(x): return half(x)",
        src__middle="from .deep import tool\ndef half(x): return tool(x) / 2",
        src__deep="def tool(x): return x + 1",
    )

    assert sources.changed_by("src.node:node", "src/deep.py", "x + 1", "x + 2") == {"src.deep:tool"}


@pytest.mark.parametrize(
    ("importing", "call"),
    [
        ("from src.tools.clean import trim", "trim(x)"),
        ("from src.tools.clean import trim as t", "t(x)"),
        ("from .tools.clean import trim", "trim(x)"),
        ("from .tools import clean", "clean.trim(x)"),
        ("import src.tools.clean", "src.tools.clean.trim(x)"),
        ("import src.tools.clean as c", "c.trim(x)"),
        ("from src.tools import trim", "trim(x)"),
        ("import src.tools as tools", "tools.trim(x)"),
        ("from src import tools", "tools.clean.trim(x)"),
    ],
)
@pytest.mark.parametrize("inside", [False, True])
def test_every_way_to_import_a_function_reaches_it_alone(sources, importing, call, inside):
    head, body = ("", f"\n    {importing}") if inside else (importing, "")
    sources.file("src/node.py", f"{head}\ndef node(x):{body}\n    return {call}\n")
    sources.file("src/tools/__init__.py", "from .clean import trim\n")
    sources.file("src/tools/clean.py", "def trim(x): return x + 1\ndef unused(x): return x + 1\n")

    code = sources.of("src.node:node").code

    assert "src.tools.clean:trim" in code
    assert "src.tools.clean:unused" not in code


def test_a_star_import_reaches_the_whole_module(sources):
    sources.write(
        node="from tools import *\ndef node(x): return trim(x)",
        tools="SIZE = 1\ndef trim(x): return x\ndef other(x): return x",
    )

    assert {"tools:trim", "tools:other", "tools:SIZE"} <= sources.of("node:node").code.keys()


@pytest.mark.parametrize(
    "use",
    ["getattr(tools, x)()", "vars(tools)", "run(tools)", "tools.unknown(x)", "[tools][0].trim(x)"],
)
def test_a_module_that_is_passed_about_is_reached_whole(sources, use):
    sources.write(
        node=f"import tools\ndef run(m): return m\ndef node(x): return {use}",
        tools="SIZE = 1\ndef trim(x): return x\ndef other(x): return x",
    )

    assert {"tools:trim", "tools:other", "tools:SIZE"} <= sources.of("node:node").code.keys()


@pytest.mark.parametrize("use", ["globals()[x]", "eval(x)", "exec(x)"])
def test_a_function_that_looks_names_up_reaches_its_whole_module(sources, use):
    sources.write(node=f"import math\ndef other(x): return x\ndef node(x): return {use}")

    assert "node:other" in sources.of("node:node").code


def test_what_a_whole_module_exports_again_is_reached(sources):
    sources.file("node.py", "import tools\ndef node(x): return getattr(tools, x)\n")
    sources.file("tools/__init__.py", "from .clean import trim\n")
    sources.file("tools/clean.py", "def trim(x): return x\n")

    assert "tools.clean:trim" in sources.of("node:node").code


def test_swapped_names_of_an_export_are_a_change(sources):
    """The same pieces are reached before and after; what the names stand for is not the same."""
    sources.file("node.py", "from tools import up, down\ndef node(x): return up(x) - down(x)\n")
    sources.file("tools/__init__.py", "from .a import first as up, second as down\n")
    sources.file("tools/a.py", "def first(x): return x\ndef second(x): return -x\n")

    old, new = "first as up, second as down", "second as up, first as down"
    assert sources.changed_by("node:node", "tools/__init__.py", old, new) == {"node:node"}


def test_another_function_of_a_library_under_the_same_name_is_a_change(sources):
    sources.write(node="from math import floor as cut\ndef node(x): return cut(x)")

    assert sources.changed_by("node:node", "node.py", "floor", "ceil") == {"node:node"}


def test_a_class_is_reached_with_all_its_methods_and_its_parents(sources):
    sources.write(
        node="""
        class Base:
            def shared(self): return 1
        class Tool(Base):
            def run(self): return 2
            def unused(self): return 3
        def node(x): return Tool().run()
    """
    )

    assert sources.changed_by("node:node", "node.py", "return 1", "return 9") == {"node:Base"}
    assert sources.changed_by("node:node", "node.py", "return 2", "return 9") == {"node:Tool"}
    assert sources.changed_by("node:node", "node.py", "return 3", "return 8") == {"node:Tool"}


def test_a_method_as_node_reaches_its_class(sources):
    sources.write(node="class Steps:\n    def clean(x): return x + 1\n")

    assert sources.changed_by("node:Steps.clean", "node.py", "+ 1", "+ 2") == {"node:Steps"}


def test_statements_of_an_imported_module_count_although_no_name_of_it_is_used(sources):
    sources.write(
        node="import src.setup\ndef node(x): return x",
        src__setup="import random\nrandom.seed(1)\ndef other(): return 1",
    )

    assert sources.changed_by("node:node", "src/setup.py", "seed(1)", "seed(2)") == {
        "src.setup:<module>"
    }


def test_an_import_for_its_effect_alone_brings_its_library(sources):
    sources.write(node="import msgspec\nimport numpy\ndef node(x): return numpy.sum(x)")

    assert sources.of("node:node").libraries.keys() == {"msgspec", "numpy"}


def test_what_runs_only_as_a_script_is_no_part(sources):
    sources.write(
        node="""
        import polars
        def node(x): return x
        if __name__ == "__main__":
            print(polars.DataFrame(node(1)))
    """
    )

    assert sources.changed_by("node:node", "node.py", "node(1)", "node(2)") == set()
    assert sources.of("node:node").libraries == {}


def test_what_is_there_for_type_checkers_is_no_part(sources):
    sources.write(
        node="""
            from __future__ import annotations
            from typing import TYPE_CHECKING
            if TYPE_CHECKING:
                import polars
                from other import Thing
            def node(x: Thing) -> polars.DataFrame: return x
        """,
        other="print(1)\nclass Thing: pass",
    )

    found = sources.of("node:node")

    assert found.code.keys() == {"node:node", "node:<module>"}
    assert found.libraries == {}


def test_a_function_that_a_decorator_registers_is_reached(sources):
    """No name leads to it: the node walks through a list that importing filled."""
    sources.write(
        node="""
            from rules import RULES
            import more_rules
            def node(x): return [rule(x) for rule in RULES]
        """,
        rules="RULES = []\ndef rule(f):\n    RULES.append(f)\n    return f",
        more_rules="from rules import rule\n@rule\ndef positive(x): return x > 0",
    )

    assert sources.changed_by("node:node", "more_rules.py", "x > 0", "x > 1") == {
        "more_rules:positive"
    }


def test_a_function_that_a_call_registers_is_reached(sources):
    sources.write(
        node="from rules import RULES\nimport more_rules\ndef node(x): return RULES",
        rules="RULES = []\ndef add(f):\n    RULES.append(f)\n    return len(RULES)",
        more_rules="from rules import add\ndef positive(x): return x > 0\nFIRST = add(positive)",
    )

    assert "more_rules:positive" in sources.of("node:node").code


def test_a_subclass_of_a_reached_class_is_reached_where_its_module_is_imported(sources):
    """``__subclasses__`` and ``__init_subclass__`` find it without a name."""
    sources.write(
        node="from rules import Rule\nimport more\ndef node(x): return Rule.__subclasses__()",
        rules="class Rule: pass",
        more="from rules import Rule\nclass Positive(Rule):\n    def holds(self, x): return x > 0",
    )

    assert "more:Positive" in sources.of("node:node").code


def test_a_name_bound_within_an_if_or_a_try_is_reached(sources):
    sources.write(
        node="""
        try:
            import ujson_that_is_not_there as json
        except ImportError:
            import json
        if json:
            def text(x): return json.dumps(x)
        def node(x): return text(x)
    """
    )

    found = sources.of("node:node")

    assert sources.changed_by("node:node", "node.py", "dumps(x)", "dumps(1)") == {"node:<module>"}
    assert found.libraries == {"ujson_that_is_not_there": "not installed"}


def test_a_local_name_hides_the_one_of_the_module(sources):
    sources.write(
        node="""
        def total(x): return 1
        def scale(x): return 2
        def node(total):
            scale = 3
            return total * scale
    """
    )

    assert sources.of("node:node").code.keys() == {"node:node", "node:<module>"}


def test_a_default_that_is_named_like_its_argument_is_reached(sources):
    sources.write(node="limit = 3\ndef node(x, limit=limit): return min(x, limit)")

    assert "node:limit" in sources.of("node:node").code


def test_modules_that_import_each_other_end(sources):
    sources.write(
        one="import two\ndef node(x): return two.back(x)\ndef first(x): return x",
        two="import one\ndef back(x): return one.first(x)",
    )

    assert {"one:first", "two:back"} <= sources.of("one:node").code.keys()


def test_a_folder_without_init_is_a_package_of_the_project(sources):
    sources.file("node.py", "from tools.clean import trim\ndef node(x): return trim(x)\n")
    sources.file("tools/clean.py", "def trim(x): return x\n")

    assert "tools.clean:trim" in sources.of("node:node").code


def test_a_folder_of_the_project_hides_no_library(sources):
    (sources.root / "numpy").mkdir()
    sources.write(node="import numpy\ndef node(x): return numpy.sum(x)")

    assert "numpy" in sources.of("node:node").libraries


def test_the_framework_is_a_library_even_beside_the_project(sources):
    sources.file("sf_ml_framework/__init__.py", "class Report: pass\n")
    sources.write(node="from sf_ml_framework import Report\ndef node(x): return Report(title=x)")

    found = sources.of("node:node")

    assert found.libraries.keys() == {"sf-ml-framework"}
    assert found.code.keys() == {"node:node", "node:<module>"}


def test_a_module_imported_by_a_constant_name_is_reached_whole(sources):
    sources.write(
        node="import importlib\ndef node(x): return importlib.import_module('tools').trim(x)",
        tools="def trim(x): return x",
    )

    found = sources.of("node:node")

    assert "tools:trim" in found.code
    assert "<project>" not in found.code


@pytest.mark.parametrize(
    ("importing", "call"),
    [
        ("import importlib", "importlib.import_module(x)"),
        ("from importlib import import_module", "import_module('src.' + x)"),
        ("import runpy", "runpy.run_path(x)"),
        ("", "__import__(x)"),
    ],
)
def test_an_import_of_a_computed_name_reaches_every_file_and_library(sources, importing, call):
    sources.file("node.py", f"{importing}\ndef node(x): return {call}\n")
    sources.file("aside.py", "def anything(): return 1\n")
    sources.file(".hidden/aside.py", "def anything(): return 1\n")

    found = sources.of("node:node")

    assert found.kinds["<project>"].startswith(
        "any of its files, because node:node imports by a computed name"
    )
    assert "<installed>" in found.libraries
    assert sources.changed_by("node:node", "aside.py", "return 1", "return 2") == {"<project>"}
    assert sources.changed_by("node:node", ".hidden/aside.py", "return 1", "return 2") == set()


def test_a_function_whose_source_is_not_there_is_unsure(sources):
    sources.write(node="def other(x): return x")

    assert sources.of("node:node").unsure == ("the source of node:node was not found",)
    assert sources.of("nowhere:node").unsure == ("the source of nowhere:node was not found",)


def test_a_file_that_is_no_python_counts_by_its_bytes(sources):
    sources.write(node="def node(x):\n    from broken import f\n    return f(x)", broken="def f(:")

    assert sources.changed_by("node:node", "broken.py", "def f(:", "def g(:")


def test_a_constant_that_is_added_to_counts_with_what_is_added(sources):
    sources.write(node="NAMES = ['a']\nNAMES += ['b']\ndef node(x): return NAMES")

    assert sources.changed_by("node:node", "node.py", "'b'", "'c'") == {"node:NAMES"}


def test_a_class_that_a_library_registers_is_reached(sources):
    """As pandas does with accessors: ``frame.shop.total()`` names no class."""
    sources.write(
        node="import accessors\ndef node(frame): return frame.shop.total()",
        accessors="import pandas as pd\n"
        "@pd.api.extensions.register_dataframe_accessor('shop')\n"
        "class Shop:\n    def total(self): return 1",
    )

    assert "accessors:Shop" in sources.of("node:node").code


def test_a_star_import_of_a_package_brings_the_modules_that_it_exports(sources):
    sources.file("node.py", "from tools import *\ndef node(x): return clean.trim(x)\n")
    sources.file("tools/__init__.py", "__all__ = ['clean']\n")
    sources.file("tools/clean.py", "def trim(x): return x\n")

    assert "tools.clean:trim" in sources.of("node:node").code


def test_a_very_long_expression_is_read(sources):
    sources.file("node.py", f"def node(x): return {' + '.join(['x'] * 900)}\n")

    assert "node:node" in sources.of("node:node").code


def test_a_file_too_deep_to_be_read_may_reach_anything(sources):
    sources.file("node.py", "import deep\ndef node(x): return deep.sum_up(x)\n")
    sources.file("deep.py", f"def sum_up(x): return {' + '.join(['x'] * 9000)}\n")

    assert "<project>" in sources.of("node:node").code
