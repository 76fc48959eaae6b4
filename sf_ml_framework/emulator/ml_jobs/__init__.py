"""ML Jobs: what SYSTEM$EXECUTE_ML_JOB is given, and the job service that is made of it.

:mod:`.options` reads the two JSON arguments, :mod:`.images` finds what stands for the Container
Runtime, :mod:`.specs` writes the service specification, ``runtime/entrypoint.py`` is what runs in
the container.
"""
