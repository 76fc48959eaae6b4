"""Models as services and in batch jobs: what is asked, the image that is made, how it is called.

The statements are in :mod:`..rooms.serving`. :mod:`.image`, :mod:`.server` and :mod:`.batch` are
the programs of the containers: the first makes the image, a folder with the model's files.
"""
