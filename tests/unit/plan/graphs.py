"""Random states of an account, wanted and standing, for laws that hold of every pair."""

from __future__ import annotations

import msgspec
from hypothesis import strategies as st

from sf_ml_framework.plan import names
from sf_ml_framework.plan.objects import (
    Alert,
    Desired,
    Grant,
    Object,
    Observed,
    Pool,
    Task,
    View,
    key_of,
)

ROOT, FINALIZER = "TASK_P", "TASK_P_FINALIZE"
NODES = tuple(f"TASK_{letter}" for letter in "ABCDEF")


def full(name: str) -> str:
    return f"DB.S.{name}"


@st.composite
def states(draw: st.DrawFn) -> tuple[Object, ...]:
    """A whole state as a deployment leaves it: pools, grants, views, a graph, its alerts."""
    chosen = draw(st.lists(st.sampled_from(NODES), unique=True, max_size=6))
    schedule = draw(st.sampled_from(["", "60 MINUTE", "USING CRON 0 3 * * * UTC"]))
    tasks = [
        Task(
            name=full(ROOT),
            body="SELECT 1",
            schedule=schedule,
            config=draw(st.sampled_from(["", '{"a":1}'])),
            auto_retry_attempts=draw(st.integers(0, 1)),
            comment=names.mark("p") + "root",
            started=bool(schedule) and draw(st.booleans()),
        )
    ]
    for number, name in enumerate(chosen):
        above = draw(st.lists(st.sampled_from(chosen[:number]), unique=True) if number else
                     st.just([]))  # fmt: skip
        tasks.append(
            Task(
                name=full(name),
                body=draw(st.sampled_from(["SELECT 1", "SELECT 2"])),
                after=tuple(sorted(above)) or (ROOT,),
                timeout_ms=draw(st.sampled_from([1000, 2000])),
                comment=names.mark("p") + name,
            )
        )
    tasks.append(
        Task(name=full(FINALIZER), body="SELECT 3", finalizes=ROOT, comment=names.mark("p") + "end")
    )
    pools = draw(st.dictionaries(st.sampled_from(["P1", "P2"]), st.integers(1, 3), max_size=2))
    views = draw(st.dictionaries(st.sampled_from(["V1", "V2"]), st.integers(1, 3), max_size=2))
    alerts = draw(st.dictionaries(st.sampled_from(["L1", "L2"]), st.integers(1, 3), max_size=2))
    return (
        *(Pool(name=name, family="CPU_X64_S", max_nodes=most) for name, most in pools.items()),
        *(Grant(name=name, privilege="USAGE", on="COMPUTE POOL", to="R") for name in pools),
        *(View(name=full(name), body=f"SELECT {one}") for name, one in views.items()),
        *tasks,
        *(
            Alert(
                name=full(name),
                schedule=f"{one} MINUTE",
                condition=f"SELECT {draw(st.integers(1, 2))}",
                action="SELECT 1",
                warehouse=draw(st.sampled_from(["", "W"])),
            )
            for name, one in alerts.items()
        ),
    )


@st.composite
def damaged(draw: st.DrawFn, objects: tuple[Object, ...]) -> tuple[Object, ...]:
    """A state as a person, or a deployment that stopped, may leave it."""
    found = {key_of(thing): thing for thing in objects}
    tasks = {key: thing for key, thing in found.items() if isinstance(thing, Task)}
    if draw(st.booleans()):
        for key in draw(st.lists(st.sampled_from(sorted(tasks)), unique=True, max_size=3)):
            found[key] = msgspec.structs.replace(tasks[key], started=False)
    for key, thing in found.items():
        if isinstance(thing, Alert) and draw(st.booleans()):
            found[key] = msgspec.structs.replace(thing, started=False)
    ends = key_of(tasks[f"task {full(FINALIZER)}"])
    match draw(st.sampled_from(["", "renamed", "gone", "child", "orphans"])):
        case "renamed":
            old = found.pop(ends)
            other = msgspec.structs.replace(old, name=full("TASK_OLD_END"))
            found[key_of(other)] = other
        case "gone":
            del found[ends]
        case "child":
            found[ends] = msgspec.structs.replace(tasks[ends], finalizes="", after=(ROOT,))
        case "orphans":
            # A child of the root that lost it is suspended and stands alone.
            for key, task in tasks.items():
                if task.after == (ROOT,) and draw(st.booleans()):
                    found[key] = msgspec.structs.replace(task, after=(), started=False)
        case _:
            pass
    return tuple(found.values())


def desired(objects: tuple[Object, ...]) -> Desired:
    return Desired(
        project="p",
        target="t",
        database="DB",
        schema="S",
        role="R",
        deploy_role="D",
        warehouse="W",
        root=full(ROOT),
        image="/db/s/i/x:1",
        objects=objects,
    )


def observed(objects: tuple[Object, ...]) -> Observed:
    return Observed(objects=objects, managed=tuple(key_of(thing) for thing in objects))
