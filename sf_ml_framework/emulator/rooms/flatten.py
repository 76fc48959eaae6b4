"""FLATTEN, with a current database or without, and its PATH, OUTER and MODE.

fakesnow has the function without its options, and takes no notice of them.

Source: Snowflake, "FLATTEN". SEQ is the same for the rows of one input, as there, but also for two
inputs that are the same. RECURSIVE is refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlglot import exp

from ..faults import invalid, unsupported

if TYPE_CHECKING:
    from ..account import Account
    from ..session import Session

# The names inside are no client's: a column of that name would be taken for them.
_MACRO = """
create or replace macro _fs_global.main._sf_flatten(input, outer_, mode_, prefix) as table
select hash(_sf_j)::hugeint % 9223372036854775807 as SEQ, _sf_k as KEY, _sf_p as PATH,
    _sf_i as INDEX, _sf_v as VALUE, _sf_j as THIS
from (
    select _sf_j, unnest(
        case when outer_ and (_sf_found is null or len(_sf_found) = 0)
             then [struct_pack(_sf_k := null::varchar, _sf_i := null::bigint, _sf_p := prefix,
                               _sf_v := null::json)]
             else _sf_found end, recursive := true)
    from (
        select _sf_j, case
            when json_type(_sf_j) = 'OBJECT' and mode_ <> 'ARRAY' then list_transform(
                json_keys(_sf_j), lambda _sf_x: struct_pack(
                    _sf_k := _sf_x, _sf_i := null::bigint,
                    _sf_p := case when prefix = '' then _sf_x else prefix || '.' || _sf_x end,
                    _sf_v := json_extract(_sf_j, '$."' || _sf_x || '"')))
            when json_type(_sf_j) = 'ARRAY' and mode_ <> 'OBJECT' then list_transform(
                range(json_array_length(_sf_j)::bigint), lambda _sf_n: struct_pack(
                    _sf_k := null::varchar, _sf_i := _sf_n, _sf_p := prefix || '[' || _sf_n || ']',
                    _sf_v := json_extract(_sf_j, '$[' || _sf_n || ']')))
            end as _sf_found
        from (select to_json(input) as _sf_j)))
"""
_ARGUMENTS = ("INPUT", "PATH", "OUTER", "RECURSIVE", "MODE")
_STEP = re.compile(r"""\.?([A-Za-z_][\w$]*)|\[(\d+)\]|\['([^']*)'\]|\["([^"]*)"\]""")


def install(account: Account) -> None:
    """Register the rewrite; this room stands before what reads tables."""
    session = account.internal_session(role="PUBLIC")
    session.connection.raw(_MACRO)
    account.close_session(session)
    account.rewrite(flatten)


def flatten(session: Session, tree: exp.Expr) -> exp.Expr:
    """Write ``FLATTEN(..)`` as the macro above."""
    found = [
        node
        for node in tree.find_all(exp.Lateral, exp.TableFromRows)
        if isinstance(node.this, exp.Explode)
    ]
    if not found:
        return tree
    _texts(tree)
    for node in found:
        node.replace(
            exp.Table(
                this=_macro(_given(node.this)),
                db=exp.to_identifier("main", quoted=True),
                catalog=exp.to_identifier("_fs_global", quoted=True),
                alias=node.args.get("alias"),
                joins=node.args.get("joins"),
            )
        )
    return tree


def _macro(given: dict[str, exp.Expr]) -> exp.Expr:
    whole, prefix = given["INPUT"], ""
    if (path := given.get("PATH")) is not None:
        prefix = _text(path, "PATH")
        read = exp.Anonymous(this="to_json", expressions=[whole])
        where = exp.Literal.string(_json_path(prefix))
        whole = exp.Anonymous(this="json_extract", expressions=[read, where])
    if _flag(given.get("RECURSIVE")):
        raise unsupported("FLATTEN(.., RECURSIVE => TRUE) is not known to this emulator.")
    mode = _text(given.get("MODE"), "MODE").upper() or "BOTH"
    if mode not in {"OBJECT", "ARRAY", "BOTH"}:
        raise invalid(f"invalid value '{mode}' for parameter 'MODE'")
    outer = exp.Boolean(this=_flag(given.get("OUTER")))
    return exp.Anonymous(
        this="_sf_flatten",
        expressions=[whole, outer, exp.Literal.string(mode), exp.Literal.string(prefix)],
    )


def _given(call: exp.Explode) -> dict[str, exp.Expr]:
    """Return the arguments by name."""
    found: dict[str, exp.Expr] = {}
    for index, one in enumerate([call.this, *call.expressions]):
        if isinstance(one, exp.Kwarg | exp.PropertyEQ):
            found[str(one.this.name).upper()] = one.expression
        else:
            found[_ARGUMENTS[min(index, len(_ARGUMENTS) - 1)]] = one
    if unknown := set(found) - set(_ARGUMENTS):
        raise invalid(f"invalid argument '{min(unknown)}' of FLATTEN")
    if "INPUT" not in found:
        raise invalid("missing argument 'INPUT' of FLATTEN")
    return found


def _flag(value: exp.Expr | None) -> bool:
    if value is None:
        return False
    if not isinstance(value, exp.Boolean):
        raise invalid("OUTER and RECURSIVE of FLATTEN are TRUE or FALSE")
    return bool(value.this)


def _text(value: exp.Expr | None, name: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, exp.Literal) or not value.is_string:
        raise invalid(f"{name} of FLATTEN must be a string constant")
    return str(value.this)


def _json_path(path: str) -> str:
    """Return ``a.b[0]['c d']`` as a JSON path."""
    made, at = "$", 0
    while at < len(path):
        step = _STEP.match(path, at)
        if step is None:
            raise invalid(f"invalid path '{path}' of FLATTEN")
        key = step[1] or step[3] or step[4]
        made += f"[{step[2]}]" if step[2] else f'."{key}"'
        at = step.end()
    return made


def _texts(tree: exp.Expr) -> None:
    """Write ``VALUE::VARCHAR`` so that a text loses its quotes, as fakesnow does of its own."""
    for cast in list(tree.find_all(exp.Cast)):
        column = cast.this
        if not isinstance(column, exp.Column) or column.name.upper() != "VALUE":
            continue
        select = cast.find_ancestor(exp.Select)
        if cast.to.this in exp.DataType.TEXT_TYPES and select and select.find(exp.Explode):
            root = exp.JSONPath(expressions=[exp.JSONPathRoot()])
            cast.replace(exp.JSONExtractScalar(this=column.copy(), expression=root))
