"""XGBoost on all machines of a node: Snowflake's distributed estimator where it can be had.

A node asks for it by ``target_instances`` above one: it then runs as an ML Job in the Container
Runtime, whose image alone has the estimator. Everywhere else, a laptop and a job of one container
included, the same call fits the ordinary estimator on this machine.

The rows stand in the memory of the first machine, from where they are handed to the others, so
this shortens the fit of many deep trees and does not lift the limit of one machine's memory. With
the number of workers the sums of a histogram change their order: the trees are not the same to the
byte as those of one machine.

What of this runs in the Container Runtime alone cannot be run elsewhere; its calls are compared
with a golden file.

Source: Snowflake, "XGBoost Distributor" (API reference of the Container Runtime), "Multi-node
clusters on Container Runtime"; ``SNOWFLAKE_JOBS_COUNT``: "EXECUTE JOB SERVICE".
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import xgboost

COUNT = "SNOWFLAKE_JOBS_COUNT"
"""Tells a container how many there are of its job."""

_LOGGER = logging.getLogger(__name__)


def fit_xgboost(
    features: pd.DataFrame,
    labels: np.ndarray,
    *,
    settings: Mapping[str, Any],
    trees: int,
    seed: int,
) -> xgboost.XGBClassifier:
    """Return a classifier fitted on every row, by all machines of this node.

    Args:
        features: one row per label; its columns name the features.
        labels: 0 or 1.
        settings: parameters of XGBoost, ``objective`` among them.
        trees: how many.
        seed: of everything that is drawn.
    """
    import xgboost

    model = xgboost.XGBClassifier(**settings, n_estimators=trees, random_state=seed, n_jobs=1)
    if _machines() < 2:
        return model.fit(features, labels)
    booster = _fitted_by_all(features, labels, {**settings, "seed": seed}, trees)
    if booster is None:
        return model.fit(features, labels)
    # The same type as on one machine, so that nobody after it need know.
    model.load_model(bytearray(booster.save_raw("ubj")))
    return model


def _machines() -> int:
    try:
        return int(os.environ.get(COUNT, "1"))
    except ValueError:
        return 1


def _fitted_by_all(
    features: pd.DataFrame, labels: np.ndarray, parameters: dict[str, Any], trees: int
) -> xgboost.Booster | None:
    """Return what all machines fitted; none where the estimator cannot be had."""
    try:
        from snowflake.ml.modeling.distributors.xgboost import XGBEstimator, XGBScalingConfig
    except ImportError:
        _LOGGER.warning(
            "this node has %s machines and no image of the Container Runtime:"
            " XGBoost is fitted on one of them",
            _machines(),
        )
        return None
    import xgboost

    estimator = XGBEstimator(
        n_estimators=trees,
        objective=parameters.get("objective", "binary:logistic"),
        params=parameters,
        # As many workers and processors as the job has.
        scaling_config=XGBScalingConfig(),
    )
    fitted = estimator.fit(features, labels)
    if isinstance(fitted, xgboost.Booster):
        return fitted
    # The registry's own handler takes the ordinary estimator from here, too.
    booster: xgboost.Booster = estimator._sklearn_estimator.get_booster()
    return booster
