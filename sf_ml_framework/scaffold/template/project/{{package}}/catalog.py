"""The data: what each dataset is, and what must hold of it whenever it is saved or loaded."""

from sf_ml_framework import Column, DataCatalog, Dataset

KEY = Column(name="delivery_id", type="integer", nullable=False, unique=True)
LATE = Column(name="late", type="boolean", nullable=False, description="What is foretold")


def _deliveries(name: str, description: str, columns: tuple[Column, ...]) -> Dataset:
    return Dataset(
        name=name,
        description=description,
        entity="delivery",
        join_keys=("delivery_id",),
        columns=columns,
    )


CATALOG = DataCatalog(
    [
        _deliveries(
            "deliveries",
            "Deliveries as they come: distances may be missing",
            (
                KEY,
                Column(name="hour", type="integer", minimum=0, maximum=23),
                Column(name="distance_km", type="float", minimum=0),
                Column(name="parcels", type="integer", minimum=1),
                LATE,
            ),
        ),
        _deliveries(
            "cleaned_deliveries",
            "Deliveries without gaps",
            (
                KEY,
                Column(name="hour", type="integer", nullable=False, minimum=0, maximum=23),
                Column(name="distance_km", type="float", nullable=False, minimum=0),
                Column(name="parcels", type="integer", nullable=False, minimum=1),
                LATE,
            ),
        ),
        _deliveries(
            "features",
            "What the model learns from, one row for each delivery",
            (
                KEY,
                Column(name="distance_km", type="float", nullable=False, minimum=0),
                Column(name="parcels", type="integer", nullable=False, minimum=1),
                Column(name="rush", type="integer", nullable=False, allowed=(0, 1)),
                Column(name="distance_in_rush_km", type="float", nullable=False, minimum=0),
                Column(name="is_test", type="boolean", nullable=False),
                LATE,
            ),
        ),
        Dataset(name="late_model", kind="model", description="Chance that a delivery is late"),
        Dataset(name="evaluation", kind="report", description="How well the model foretells"),
    ]
)
