"""A model of a class that the registry does not know, in the shape that it asks for."""

# Not ``from __future__ import annotations``: the registry compares the annotations of a method
# with the class of pandas itself, and texts are not equal to it.

from collections.abc import Collection
from pathlib import Path
from typing import Any

METHODS = ("predict", "predict_proba")
"""What SQL can call of a model that has it."""

_ARTIFACT = "pickle"


def wrapped(pickle_file: Path, methods: Collection[str]) -> Any:
    """Return a ``CustomModel`` that unpickles a model where it runs and calls its methods.

    Its class is pickled by value, so it needs nothing of this package there; the project's own
    modules go with it as code paths.

    Args:
        pickle_file: the model; a copy of it becomes a part of the version.
        methods: those of ``METHODS`` that the model has.
    """
    import pandas as pd
    from snowflake.ml.model import custom_model

    def predicted(model: Any, method: str, frame: pd.DataFrame) -> pd.DataFrame:
        found = getattr(model, method)(frame)
        made = found if isinstance(found, pd.DataFrame) else pd.DataFrame(found)
        return made.set_axis([f"output_feature_{place}" for place in range(made.shape[1])], axis=1)

    # The client tells no types.
    class PickledModel(custom_model.CustomModel):  # type: ignore[misc]
        def __init__(self, context: custom_model.ModelContext) -> None:
            import pickle

            super().__init__(context)
            with open(context.path(_ARTIFACT), "rb") as file:  # noqa: PTH123 -- a path as text
                self._model = pickle.load(file)  # noqa: S301 -- the registry's own copy

    def method_named(name: str) -> Any:
        def call(self: Any, frame: pd.DataFrame) -> pd.DataFrame:
            return predicted(self._model, name, frame)

        call.__name__ = name
        return custom_model.inference_api(call)

    named = {name: method_named(name) for name in sorted(methods)}
    made = type("PickledModel", (PickledModel,), {"__module__": __name__, **named})
    return made(custom_model.ModelContext(artifacts={_ARTIFACT: str(pickle_file)}))
