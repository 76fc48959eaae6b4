"""The questions of SYSTEM$DGQL: what Snowpark writes is read, anything else is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sf_ml_framework.emulator.faults import SnowflakeError
from sf_ml_framework.emulator.lineage.dgql import Edges, Question, parse

FIELDS = ("domain", "name", "id")
EDGES = "E(edgeType:[DATA_LINEAGE, OBJECT_DEPENDENCY],direction:{}){{S {{domain, name, id}}, "
EDGES += "T {{domain, name, id}}, properties}}"


def asked(node, direction="IN", side="upstream"):
    return f"{{V({node}) {{{side}: {EDGES.format(direction)}}}}}"


def test_a_question_by_name_and_version():
    found = parse(asked(r'domain: MODULE, name:"V1", parentName:"D.S.\"my model\""'))

    assert found == Question(
        domain="MODULE",
        name="V1",
        number="",
        parent='D.S."my model"',
        edges=(Edges("upstream", FIELDS, FIELDS),),
    )


def test_a_question_by_number_in_both_directions():
    both = asked('domain: TABLE, id:"7", parentId:"3"').replace(
        "{upstream", f"{{downstream: {EDGES.format('OUT')}upstream"
    )

    found = parse(both)

    assert (found.number, [one.direction for one in found.edges]) == (
        "7",
        ["downstream", "upstream"],
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        asked('name:"D.S.T"'),
        asked("domain: TABLE"),
        asked('domain: TABLE, name:"a", id:"1"'),
        asked('domain: TABLE, name:"a"', direction="OUT"),
        asked('domain: TABLE, name:"a"', side="sideways"),
        asked('domain: TABLE, name:"a"').replace("id}", "colour}"),
        asked('domain: TABLE, name:"a"') + "}",
        asked('domain: TABLE, name:"a'),
    ],
)
def test_what_the_client_never_sends_is_refused(text):
    with pytest.raises(SnowflakeError, match=r"SYSTEM\$DGQL"):
        parse(text)


@given(st.text(alphabet='{}()[]:,"\\ VESTa1', max_size=40))
def test_nonsense_is_refused_and_nothing_else_happens(text):
    """No word of the language has only these letters."""
    with pytest.raises(SnowflakeError) as caught:
        parse(text)

    assert caught.value.number == 1008
