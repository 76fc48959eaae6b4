"""Search XGBoost's settings by cross-validation.

Optuna proposes candidates in batches as large as there are folds. Each candidate of a batch
starts on another fold, so that they can be fitted side by side, and goes on to the other folds
only if its first score is among the best quarter *on that fold* of those that went on before it.
What is proposed and what is dropped depends on whole batches alone, never on which fit ended
first: the same seed finds the same winner with any number of threads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from src.modelling.folds import Fold, FoldFit, Settings, fit_fold

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

    import optuna

FIRST: Settings = {
    "learning_rate": 0.1,
    "max_depth": 4,
    "min_child_weight": 5.0,
    "subsample": 0.9,
    "colsample_bytree": 0.8,
    "reg_lambda": 1.0,
}
"""Always tried first, so that a search is never worse than a sensible guess."""

BEST_PERCENT = 25.0
"""Share of earlier candidates that a first score must belong to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Settings that were tried."""

    number: int
    settings: Settings
    aucs: tuple[float, ...]
    """One for each fold that was fitted; one alone if it was pruned."""
    log_loss: float
    trees: int
    pruned: bool

    @property
    def auc(self) -> float:
        """Mean over the fitted folds."""
        return sum(self.aucs) / len(self.aucs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """All candidates in the order of their proposal, and the fits of the best one."""

    candidates: tuple[Candidate, ...]
    best: Candidate
    fits: tuple[FoldFit, ...]

    def comparable_auc(self, tried: Candidate) -> float:
        """Return *tried*'s AUC, for a pruned one less what makes its only fold an easy one."""
        if not tried.pruned:
            return tried.auc
        fold = tried.number % len(self.fits)
        whole = [other for other in self.candidates if not other.pruned]
        return tried.auc - sum(other.aucs[fold] - other.auc for other in whole) / len(whole)


def space() -> dict[str, Any]:
    """Return what the search may choose from, as Optuna's distributions."""
    from optuna.distributions import FloatDistribution, IntDistribution

    return {
        "learning_rate": FloatDistribution(0.05, 0.3, log=True),
        "max_depth": IntDistribution(3, 8),
        "min_child_weight": FloatDistribution(1, 50, log=True),
        "subsample": FloatDistribution(0.6, 1.0),
        "colsample_bytree": FloatDistribution(0.5, 1.0),
        "reg_lambda": FloatDistribution(0.1, 30, log=True),
    }


def search(
    folds: list[Fold], *, n_trials: int, max_trees: int, seed: int, pool: Executor
) -> Search:
    """Try *n_trials* candidates and return them all, the best by mean AUC first among equals."""
    study = _study(n_trials, seed)
    candidates: list[Candidate] = []
    best: Candidate | None = None
    kept: tuple[FoldFit, ...] = ()
    for size in batch_sizes(n_trials, len(folds)):
        trials = [study.ask(space()) for _ in range(size)]
        batch = _Batch(folds, trials, pool=pool, max_trees=max_trees, seed=seed)
        for trial, fits in zip(trials, batch.fit(), strict=True):
            found = _candidate(trial, fits, pruned=len(fits) < len(folds))
            candidates.append(found)
            _tell(study, trial, fits, found)
            if not found.pruned and (best is None or found.auc > best.auc):
                best, kept = found, tuple(fits)
    if best is None:
        raise RuntimeError("no candidate was fitted on every fold")
    return Search(candidates=tuple(candidates), best=best, fits=kept)


def batch_sizes(n_trials: int, folds: int) -> list[int]:
    """Return how many candidates each batch has: one for each fold, and what is left.

    A single one left joins the batch before it: alone, its first fit would keep one thread busy
    and all others waiting.
    """
    sizes = [folds] * (n_trials // folds)
    rest = n_trials % folds
    if rest == 1 and sizes:
        sizes[-1] += 1
    elif rest:
        sizes.append(rest)
    return sizes


def _study(n_trials: int, seed: int) -> optuna.Study:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    startup = max(3, n_trials // 3)
    study = optuna.create_study(
        direction="maximize",
        # The liar keeps candidates of one batch apart.
        sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=startup, constant_liar=True),
        pruner=optuna.pruners.PercentilePruner(BEST_PERCENT, n_startup_trials=3),
    )
    study.enqueue_trial(dict(FIRST))
    return study


def _candidate(trial: optuna.Trial, fits: list[FoldFit], *, pruned: bool) -> Candidate:
    return Candidate(
        number=trial.number,
        settings=dict(trial.params),
        aucs=tuple(fit.auc for fit in fits),
        log_loss=sum(fit.log_loss for fit in fits) / len(fits),
        trees=round(sum(fit.trees for fit in fits) / len(fits)),
        pruned=pruned,
    )


def _tell(study: optuna.Study, trial: optuna.Trial, fits: list[FoldFit], found: Candidate) -> None:
    from optuna.trial import TrialState

    if found.pruned:
        study.tell(trial, state=TrialState.PRUNED)
        return
    first = trial.number % len(fits)
    for fit in fits:
        # The first fold's score was reported when it decided whether to go on.
        if fit.fold.number != first:
            trial.report(fit.auc, step=fit.fold.number)
    study.tell(trial, found.auc)


class _Batch:
    """Candidates that are fitted side by side; lives for one call of ``fit``."""

    def __init__(
        self,
        folds: list[Fold],
        trials: list[optuna.Trial],
        *,
        pool: Executor,
        max_trees: int,
        seed: int,
    ) -> None:
        self.folds = folds
        self.trials = trials
        self.pool = pool
        self.max_trees = max_trees
        self.seed = seed
        self.busy: set[int] = set()
        """Numbers of the folds that a fit holds, or will hold before any other."""

    def fit(self) -> list[list[FoldFit]]:
        """Return the fits of each trial by number of the fold; one fit alone if it was pruned."""
        from concurrent.futures import FIRST_COMPLETED, wait

        fits: list[list[FoldFit]] = [[] for _ in self.trials]
        waiting = [(place, 0) for place in range(len(self.trials))]
        running: dict[Future[FoldFit], int] = {}
        while waiting or running:
            waiting = self._start(waiting, running)
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                place = running.pop(future)
                fit = future.result()
                self.busy.discard(fit.fold.number)
                fits[place].append(fit)
                if len(fits[place]) == 1 and not self._pruned(place, fit):
                    waiting += [(place, turn) for turn in range(1, len(self.folds))]
        return [sorted(found, key=lambda fit: fit.fold.number) for found in fits]

    def _start(
        self, waiting: list[tuple[int, int]], running: dict[Future[FoldFit], int]
    ) -> list[tuple[int, int]]:
        """Start what need not wait for another's fold, and return the rest.

        A fold serves one fit at a time: a thread that waited for one would idle.
        """
        left = []
        for place, turn in waiting:
            trial = self.trials[place]
            # Another first fold for each trial of the batch.
            fold = self.folds[(trial.number + turn) % len(self.folds)]
            if fold.number in self.busy:
                left.append((place, turn))
                continue
            self.busy.add(fold.number)
            future = self.pool.submit(
                fit_fold, fold, trial.params, max_trees=self.max_trees, seed=self.seed
            )
            running[future] = place
        return left

    def _pruned(self, place: int, first: FoldFit) -> bool:
        """Whether the trial's *first* score is too low among earlier ones on that fold."""
        trial = self.trials[place]
        trial.report(first.auc, step=first.fold.number)
        return trial.should_prune()
