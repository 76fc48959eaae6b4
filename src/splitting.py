"""Which customers are for testing: decided once, from key, target and seed alone.

Customers of each class are put in the order of ``md5(seed:key)``, and the first of them, as many
as the fraction says, are for testing. What is kept of that is one digest for each class; whether
a row is for testing is then asked of the row alone, with the same answer on every engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from src.customers import KEY, TARGET

if TYPE_CHECKING:
    import ibis

SLACK = 7.0
"""How many standard deviations around its expected place the last digest is looked for."""
PAD = "~"
"""After every hex digit: a digest with it comes after the digest, and before the next one."""


class SplitError(ValueError):
    """The rows cannot be split as asked, or a split is not what its rule says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitClass:
    """One class of the target, and where its customers for testing end."""

    label: int
    rows: int
    test_rows: int
    last_test_digest: str
    """The greatest digest, as 32 hex digits, among the class's customers for testing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitRule:
    """Everything that says which customers are for testing."""

    seed: int
    test_fraction: float
    classes: tuple[SplitClass, ...]

    @property
    def rows(self) -> int:
        """How many customers the rule was fitted on."""
        return sum(found.rows for found in self.classes)

    @property
    def test_rows(self) -> int:
        """How many of them are for testing."""
        return sum(found.test_rows for found in self.classes)

    @property
    def training_rows(self) -> int:
        """How many of them are for training."""
        return self.rows - self.test_rows


def fit_split(customers: ibis.Table, *, test_fraction: float, seed: int) -> SplitRule:
    """Return the rule that puts *test_fraction* of each class aside, to the nearest row.

    It reads the targets twice and the keys once. Digests are spread evenly, so the last one for
    testing is known beforehand up to chance; only those near it are fetched, and all before them
    are counted. So the rule is exact, and memory grows with the root of the rows.

    Args:
        customers: one row per ``customer_id``, which is unique; neither it nor the target is null.
        test_fraction: between 0 and 1, both excluded.
        seed: another one puts other customers aside.

    Raises:
        SplitError: the fraction is out of bounds, or a class has fewer than two customers.
    """
    if not 0.0 < test_fraction < 1.0:
        raise SplitError(f"test_fraction is {test_fraction}; give a share between 0 and 1")
    sizes = customers.group_by(TARGET).agg(rows=lambda group: group.count()).to_pyarrow()
    wanted = {
        int(size[TARGET]): (size["rows"], _test_rows(size[TARGET], size["rows"], test_fraction))
        for size in sorted(sizes.to_pylist(), key=lambda size: size[TARGET])
    }
    if not wanted:
        raise SplitError("there is no customer to split")
    last = _last_digests(customers, seed, wanted)
    return SplitRule(
        seed=seed,
        test_fraction=test_fraction,
        classes=tuple(
            SplitClass(label=label, rows=rows, test_rows=rank, last_test_digest=last[label])
            for label, (rows, rank) in wanted.items()
        ),
    )


def is_test(customers: ibis.Table, rule: SplitRule) -> ibis.ir.BooleanValue:
    """Return whether each row of *customers* is for testing."""
    last = {found.label: found.last_test_digest for found in rule.classes}
    return _digest(customers, rule.seed) <= _for_class(customers, last)


def training_rows(
    customers: ibis.Table, rule: SplitRule, *, at_most: int | None = None
) -> ibis.Table:
    """Return the rows of *customers* that are for training, or about *at_most* of them.

    Those with the greatest digests stay: a fair sample, the same on every engine.
    """
    above = _above(rule, at_most)
    return customers.filter(_digest(customers, rule.seed) > _for_class(customers, above))


def sample_of_both(customers: ibis.Table, rule: SplitRule, *, at_most: int) -> ibis.Table:
    """Return about *at_most* rows of each part, with ``for_testing`` added: a fair sample."""
    high = _above(rule, at_most)
    low = {found.label: found.last_test_digest for found in rule.classes}
    if at_most < rule.test_rows:
        low = {label: min(end, _hex(at_most / rule.rows)) for label, end in low.items()}
    # What is between the two is left out. Where both are the same digest nothing is: it is one
    # for testing, and the pad lets the interval begin after it.
    between = _digest(customers, rule.seed).between(
        _for_class(customers, {label: end + PAD for label, end in low.items()}),
        _for_class(customers, high),
    )
    return customers.filter(~between).mutate(for_testing=is_test(customers, rule))


def _above(rule: SplitRule, at_most: int | None) -> dict[int, str]:
    """Return, for each class, the digest above which about *at_most* training rows are in all."""
    last = {found.label: found.last_test_digest for found in rule.classes}
    if at_most is None or at_most >= rule.training_rows:
        return last
    cut = _hex(1.0 - at_most / rule.rows)
    return {label: max(end, cut) for label, end in last.items()}


def _digest(customers: ibis.Table, seed: int) -> ibis.ir.StringValue:
    """Return the md5 of seed and key, 32 hex digits in lower case."""
    import ibis

    @ibis.udf.scalar.builtin
    def md5(text: str) -> str: ...

    return md5(ibis.literal(f"{seed}:") + customers[KEY].cast("string"))


def _for_class(customers: ibis.Table, digests: dict[int, str]) -> ibis.ir.StringValue:
    """Return the digest that belongs to the class of each row.

    Compared with it, a row's own digest is made once; asked class by class, once for each.
    """
    import ibis

    pairs = ((customers[TARGET] == label, digest) for label, digest in digests.items())
    return ibis.cases(*pairs, else_="")


def _test_rows(label: int, rows: int, test_fraction: float) -> int:
    if rows < 2:
        raise SplitError(
            f"{TARGET} is {label} for {rows} customer alone, who cannot be in both parts;"
            " give more customers"
        )
    return min(max(int(rows * test_fraction + 0.5), 1), rows - 1)


def _last_digests(
    customers: ibis.Table, seed: int, wanted: dict[int, tuple[int, int]]
) -> dict[int, str]:
    """Return, for each class of so many rows, the digest of the rank that is wanted."""
    slack = SLACK
    while True:
        windows = {label: _window(rows, rank, slack) for label, (rows, rank) in wanted.items()}
        found = _digests_within(customers, seed, windows)
        if all(found[label].holds(rank) for label, (_, rank) in wanted.items()):
            return {label: found[label].at(rank) for label, (_, rank) in wanted.items()}
        if all(window == (_hex(0.0), _hex(1.0)) for window in windows.values()):
            raise SplitError(f"a {KEY} is missing or occurs more than once; make the keys unique")
        # Less than once in ten thousand million times; a window over everything cannot miss.
        slack *= 100.0


@dataclass(frozen=True, slots=True)
class _Digests:
    """The digests of a class within a window, in order, and how many come before them."""

    before: int
    near: list[str]

    def holds(self, rank: int) -> bool:
        return self.before < rank <= self.before + len(self.near)

    def at(self, rank: int) -> str:
        return self.near[rank - self.before - 1]


def _digests_within(
    customers: ibis.Table, seed: int, windows: dict[int, tuple[str, str]]
) -> dict[int, _Digests]:
    low = {label: window[0] for label, window in windows.items()}
    high = {label: window[1] for label, window in windows.items()}
    digests = customers.select(TARGET, digest=_digest(customers, seed))
    digests = digests.filter(digests.digest <= _for_class(digests, high))
    near = (digests.digest > _for_class(digests, low)).ifelse(digests.digest, "")
    counted = digests.group_by(TARGET, digest=near).agg(rows=lambda group: group.count())
    rows = sorted(counted.to_pyarrow().to_pylist(), key=lambda row: row["digest"])
    return {
        label: _Digests(
            sum(row["rows"] for row in rows if row[TARGET] == label and not row["digest"]),
            [row["digest"] for row in rows if row[TARGET] == label and row["digest"]],
        )
        for label in windows
    }


def _window(rows: int, rank: int, slack: float) -> tuple[str, str]:
    """Return two digests between which that of *rank* among *rows* is, but for bad luck."""
    share = rank / rows
    # The second term counts where the rank is near either end and the first says next to nothing.
    width = slack * (share * (1.0 - share) / rows) ** 0.5 + slack * slack / rows
    return _hex(share - width), _hex(share + width)


def _hex(share: float) -> str:
    """Return the digest below which that share of all digests is."""
    if share >= 1.0:
        return "g"
    return format(int(max(share, 0.0) * 16**12), "012x")
