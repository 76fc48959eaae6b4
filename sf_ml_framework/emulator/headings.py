"""What a column without an alias is called: its expression as it was written, in upper case.

Source: Snowflake, the examples of "SELECT" and "COUNT": ``select count(*)`` answers ``COUNT(*)``.
White space is kept as it is; comments are not told.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from .lexer import Token

_ENDS = {"FROM", "WHERE", "GROUP", "HAVING", "QUALIFY", "ORDER", "LIMIT", "INTO", "FETCH", "WINDOW"}
_ENDS |= {"UNION", "EXCEPT", "MINUS", "INTERSECT", "OFFSET"}


def name(tree: exp.Expr, text: str, tokens: Sequence[Token]) -> exp.Expr:
    """Give each column of a plain SELECT that has no name the one that Snowflake gives it."""
    if not isinstance(tree, exp.Select) or tree.args.get("kind"):
        return tree
    written = _written(text, tokens)
    if len(written) != len(tree.expressions):
        return tree
    made = []
    for one, words in zip(tree.expressions, written, strict=True):
        # A word alone, such as CURRENT_DATE, would be taken for the column of that name.
        if _named(one) or words.isidentifier():
            made.append(one)
        else:
            alias = exp.to_identifier(words.upper(), quoted=True)
            made.append(exp.Alias(this=one, alias=alias))
    tree.set("expressions", made)
    return tree


def _named(one: exp.Expr) -> bool:
    if one.is_star or isinstance(one, exp.Alias | exp.Aliases | exp.Column | exp.Explode):
        return True
    return bool(one.find(exp.Parameter, exp.Placeholder))  # $1 is COLUMN1 elsewhere


def _deeper(token: Token) -> int:
    if token.kind != "OP":
        return 0
    return {"(": 1, "[": 1, ")": -1, "]": -1}.get(token.text, 0)


def _written(text: str, tokens: Sequence[Token]) -> list[str]:
    """Return the expressions of the first SELECT as they stand in the text."""
    at = depth = 0
    while at < len(tokens) and (depth or tokens[at].word != "SELECT"):
        depth += _deeper(tokens[at])
        at += 1
    at += 1
    while at < len(tokens) and tokens[at].word in {"ALL", "DISTINCT"}:
        at += 1
    if at >= len(tokens) or tokens[at].word == "TOP":
        return []
    found: list[str] = []
    start = end = tokens[at].start
    for token in tokens[at:]:
        depth += _deeper(token)
        if depth == 0 and token.word in _ENDS:
            break
        if depth == 0 and token.text == ",":
            found.append(text[start:end])
            start = token.end
        end = token.end
    found.append(text[start:end])
    return [one.strip() for one in found]
