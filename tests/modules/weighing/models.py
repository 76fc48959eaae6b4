"""Models of classes that no library knows: what a project would have in a module of its own."""

import numpy as np


class Weighing:
    """A model that adds up its columns, each with a weight."""

    def __init__(self, **weights):
        self.weights = weights
        self.feature_names_in_ = np.asarray(list(weights), dtype=object)

    def predict(self, frame):
        return sum(frame[name] * weight for name, weight in self.weights.items()).to_numpy()


class Half:
    """A model that must see a text to predict: zeros would not do."""

    def __init__(self, names):
        self.feature_names_in_ = tuple(names)

    def predict(self, frame):
        return frame["plan"].str.len().to_numpy()
