"""Classes of models for the tests: what a project would have in a module of its own."""

import numpy as np


class Scorer:
    """A model that knows what it was fitted on."""

    def __init__(self, weights, names=()):
        self.weights = np.asarray(weights)
        self.feature_names_in_ = np.asarray(names, dtype=object)

    def score(self, row):
        return float(self.weights @ row)


class Sulking:
    """A model whose properties raise, as those of an unfitted one do."""

    @property
    def feature_names_in_(self):
        raise RuntimeError("not fitted")
