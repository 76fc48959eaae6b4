"""The processes in which authors' code runs: functions, procedures, methods of models.

:mod:`.workers` starts them and speaks with them; :mod:`.worker` is such a process, with
:mod:`.handlers` for functions, :mod:`.procedure` for procedures and :mod:`.model` for models.
"""
