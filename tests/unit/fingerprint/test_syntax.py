"""What is another way of writing the same leaves no trace; everything else does."""

from __future__ import annotations

import ast
import io
import tokenize

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sf_ml_framework.manifest.model import InputSpec
from sf_ml_framework.run.source_facts import read_facts

BASE = '''\
import math
from collections import deque

LIMIT = 10
NAMES = ["alpha", "beta", 'gamma']
TABLE = {"low": -1.5, **{"high": 2.5}}


def share(part, whole=1, *rest, digits=2, **more):
    """Return the share."""
    # A whole of nothing has no share.
    if whole == 0 and not part:
        return None
    value = (part / whole) * 100 if whole else 0
    for name in NAMES[1:]:
        if name in more and more[name] is not None:
            value += more[name]
        elif name.startswith("a"):
            continue
        else:
            break
    return round(value, digits)


class Window:
    """Keeps the newest values."""

    size: int = 3
    """How many."""

    def __init__(self, values):
        self.values = deque(values, maxlen=self.size)

    def mean(self):
        try:
            total = sum(v for v in self.values if v > LIMIT or v < -LIMIT)
        except (TypeError, ValueError) as error:
            raise RuntimeError(f"no mean of {self.values!r:>{LIMIT}} values") from error
        finally:
            self.values.clear()
        while total >= 1_000:
            total //= 2
        with open("log.txt", "a") as log:
            log.write("mean" "\\n")
        return lambda scale: math.sqrt(total) * scale
'''


def digests(text):
    """Return the digest of every piece of a module."""
    pieces = read_facts("m", text.encode(), "", is_package=False).pieces
    return {name: piece.digest for name, piece in pieces.items()}


EXPECTED = digests(BASE)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("def f(x): return x", 'def f(x):\n    """Say."""\n    # Why.\n    return (x)  # so'),
        ("def f(x):\n    pass", 'def f(x):\n    """Say."""'),
        ("def f(x): return x", "def f(x):\n    'old'\n\n\n\n    pass\n    return x"),
        ("def f(x): return x", "@cache\n@other(1)\ndef f(x): return x"),
        ("def f(x): return x", "def f(x: int) -> 'str': return x"),
        ("def f():\n    x = 1\n    return x", "def f():\n    x: int = 1\n    y: str\n    return x"),
        ("def f(): return {'a': [1, 2]}", 'def f():\n    return {\n  "a": [\n 1,\n 2,\n ],\n }'),
        ("def f(): return 'ab'", 'def f(): return "a" "b"'),
        ("def f(): return 'ab'", 'def f(): return ("a"\n    r"b")'),
        ("def f(x): return f'{x}ab'", 'def f(x): return f"{x}" f"a" "b"'),
        ("def f(x): return f'{x}'", "def f(x): return f'''{ x }'''"),
        ("def f(): return 'plain'", "def f(): return f'plain'"),
        ("def f(): return 1000 + 0xff", "def f(): return 1_000 + 255"),
        ("def f(x):\n if x: a\n elif y: b", "def f(x):\n if x:\n  a\n else:\n  if y: b"),
        ("class A:\n  x: int", "class A:\n  x: 'int'"),
        ("class A:\n  x: int = 1", "@dataclass\nclass A:\n  x: int = 1\n  '''Meaning.'''"),
        ("X = 1", "X: Final[int] = 1"),
        ("X = 1", "X = 1\n'''Meaning.'''"),
        ("def f():\n with a as b, c as d: b", "def f():\n with (a as b,\n c as d,): b"),
        ("def f(x):\r\n    return x\r\n", "def f(x):\n\treturn x\n"),
    ],
)  # fmt: skip
def test_another_way_to_write_the_same_has_the_same_hash(one, other):
    assert digests(one) == digests(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("def f(x): return 1", "def f(x): return 1.0"),
        ("def f(x): return 1", "def f(x): return True"),
        ("def f(x): return 'a'", "def f(x): return b'a'"),
        ("def f(x): return None", "def f(x): return ..."),
        ("def f(x): return x[:1]", "def f(x): return x[1:]"),
        ("def f(x): return {**x}", "def f(x): return {None: x}"),
        ("def f(*, a): return a", "def f(*, a=None): return a"),
        ("def f(a, /): return a", "def f(a): return a"),
        ("def f(*a): return a", "def f(**a): return a"),
        ("def f(a, b): return a", "def f(a, *, b): return a"),
        ("def f(x): return x", "async def f(x): return x"),
        ("def f(x): return x", "def f(x): x"),
        ("def f(x): return x.a.b", "def f(x): return x.b.a"),
        ("def f(x): return x.a(1).b", "def f(x): return x.b(1).a"),
        ("def f(x): return f'{x!r}'", "def f(x): return f'{x!s}'"),
        ("def f(x): return f'{x:>3}'", "def f(x): return f'{x:<3}'"),
        ("def f(x): return f'{x}'", "def f(x): return '{x}'"),
        ("def f(x): return [x for x in x]", "def f(x): return {x for x in x}"),
        ("class A:\n  x: int", "class A:\n  x: float"),
        ("class A:\n  x: int", "class A:\n  x: 'float'"),
        ("class A(B): pass", "class A(C): pass"),
        ("class A(B): pass", "class A(metaclass=B): pass"),
        ("def f(x):\n    a\n    if x: b", "def f(x):\n    if x:\n        a\n        b"),
        ("def f(x):\n  for _ in x: a\n  else: b", "def f(x):\n  for _ in x: a\n  b"),
        ("def f(x):\n  try: a\n  except B: c", "def f(x):\n  try: a\n  except* B: c"),
        ("def f(x): return ('a', 'b')", "def f(x): return 'ab'"),
        ("def f(x):\n  match x:\n    case 1: a", "def f(x):\n  match x:\n    case None: a"),
        ("def f(x):\n  match x:\n    case y: a", "def f(x):\n  match x:\n    case z: a"),
        ("def f():\n  import a", "def f():\n  import b"),
        ("def f():\n  from . import a", "def f():\n  from .. import a"),
        ("def f():\n  global a\n  a = 1", "def f():\n  a = 1"),
        ("X = 1", "X = 1\nX = 2"),
    ],
)
def test_another_meaning_has_another_hash(one, other):
    assert digests(one) != digests(other)


def test_a_local_variable_under_another_name_is_another_text():
    """It would do the same; to know that costs more than to run the node once more."""
    assert digests("def f(x):\n  y = x\n  return y") != digests("def f(x):\n  z = x\n  return z")


def test_a_hash_is_the_same_under_every_version_of_python():
    """These were taken under 3.11, 3.12 and 3.13; a change of them asks for a new SCHEME."""
    assert {name: digest[:12] for name, digest in EXPECTED.items()} == {
        "LIMIT": "a6b074b45316",
        "NAMES": "8f69daf33cc9",
        "TABLE": "1f51a6490b27",
        "share": "f47b1559045e",
        "Window": "d4cbd96f9738",
        "<module>": "e3b0c44298fc",
    }


def test_what_an_input_is_loaded_as_is_part_of_the_key(sources):
    sources.write(node="def node(table): return table")

    as_pandas = sources.of("node:node", [InputSpec(argument="table", dataset="d", frame="pandas")])
    as_arrow = sources.of("node:node", [InputSpec(argument="table", dataset="d", frame="arrow")])

    changed = {name for name in as_pandas.code if as_pandas.code[name] != as_arrow.code[name]}
    assert changed == {"node:node(table)"}
    assert as_pandas.libraries.keys() == {"pandas"}
    assert as_arrow.libraries.keys() == {"pyarrow"}


def test_the_dataclass_of_a_document_is_reached(sources):
    sources.write(
        node="from src.kinds import Medians\ndef node(medians: Medians): return 1",
        src__kinds="class Medians:\n    spend: float\n",
    )
    asked = [InputSpec(argument="medians", dataset="m", frame="dataclass",
                       dataclass="src.kinds:Medians")]  # fmt: skip

    assert "src.kinds:Medians" in sources.of("node:node", asked).code


def _with_whole_f_strings(text):
    """Yield the tokens of *text*; since Python 3.12 an f-string comes in parts."""
    begins, ends = (getattr(tokenize, f"FSTRING_{end}", None) for end in ("START", "END"))
    opened = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == begins:
            opened.append(token.start)
        elif token.type == ends:
            (row, column), (last, end) = opened.pop(), token.end
            assert row == last, "an f-string of more than a line"
            if not opened:
                yield token._replace(type=tokenize.STRING, string=token.line[column:end])
        elif not opened:
            yield token


def _reformatted(text, draw):
    """Return *text* with other quotes, spaces, comments, empty lines and indents."""
    indent = draw(st.sampled_from([" ", "  ", "\t", "        "]))
    lines, depth, row = [], 0, []
    tokens = _with_whole_f_strings(text)
    inside = 0
    for token in tokens:
        match token.type:
            case tokenize.INDENT:
                depth += 1
            case tokenize.DEDENT:
                depth -= 1
            case tokenize.NEWLINE | tokenize.ENDMARKER:
                comment = draw(st.sampled_from(["", "  # noqa", " # x = 'y'"]))
                lines.append(indent * depth + " ".join(row) + (comment if row else ""))
                lines += [draw(st.sampled_from(["# why", "    # if x:", ""]))] * draw(
                    st.integers(0, 2)
                )
                row = []
            case tokenize.NL | tokenize.COMMENT:
                pass
            case _:
                word = token.string
                inside += (word in "([{") - (word in ")]}") if token.type == tokenize.OP else 0
                if token.type == tokenize.STRING and word[0] in "\"'" and word[:3] != '"""':
                    value = ast.literal_eval(word)
                    word = draw(
                        st.sampled_from([repr(value), f'"""{value}"""'.replace("\n", "\\n")])
                    )
                elif word[:3] == '"""':
                    word = draw(st.sampled_from(["'''Another sentence.'''", '"doc"', word]))
                row += [word] if row or depth >= 0 else []
                if inside and word == "," and draw(st.booleans()):
                    row.append("\n# within brackets\n")
    return "\n".join(lines) + "\n"


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.data())
def test_no_formatting_changes_a_hash(data):
    text = _reformatted(BASE, data.draw)

    assert digests(text) == EXPECTED


_OPERATORS = [ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow]
_COMPARISONS = [ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Is, ast.In, ast.NotIn]


def _changed_constant(value):
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return value + "!"
        case _:
            return 0


def _mutate(node, draw):
    """Change what *node* means; return whether it could be changed."""
    match node:
        case ast.Constant():
            node.value = _changed_constant(node.value)
        case ast.Name() | ast.NamedExpr():
            node.id += "_"
        case ast.Attribute():
            node.attr += "_"
        case ast.arg():
            node.arg += "_"
        case ast.keyword(arg=str()):
            node.arg += "_"
        case ast.BinOp() | ast.AugAssign():
            others = [each for each in _OPERATORS if not isinstance(node.op, each)]
            node.op = draw(st.sampled_from(others))()
        case ast.Compare():
            others = [each for each in _COMPARISONS if not isinstance(node.ops[0], each)]
            node.ops[0] = draw(st.sampled_from(others))()
        case ast.BoolOp():
            node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        case ast.UnaryOp():
            node.op = ast.UAdd() if not isinstance(node.op, ast.UAdd) else ast.USub()
        case ast.If() | ast.While() | ast.IfExp():
            node.test = ast.UnaryOp(op=ast.Not(), operand=node.test)
        case ast.Break():
            return False
        case ast.FunctionDef() | ast.ClassDef() | ast.For() | ast.Try():
            statement = draw(st.sampled_from(node.body))
            silent = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
            if silent or len(node.body) == 1:
                return False
            node.body.remove(statement)
        case _:
            return False
    return True


def _strip_what_does_not_count(tree):
    """Drop docstrings and annotations of functions, whose change is none."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [
                s for s in body
                if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))
            ] or [ast.Pass()]  # fmt: skip
    return tree


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.data())
def test_every_change_of_meaning_changes_a_hash(data):
    tree = _strip_what_does_not_count(ast.parse(BASE))
    nodes = [node for statement in tree.body[2:] for node in ast.walk(statement)]
    node = data.draw(st.sampled_from(nodes))
    before = ast.dump(tree)

    assume(_mutate(node, data.draw))
    text = ast.unparse(ast.fix_missing_locations(tree))
    assume(ast.dump(ast.parse(text)) != before)

    assert digests(text) != EXPECTED, text
