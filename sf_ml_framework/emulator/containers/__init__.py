"""Containers as real images: an image store of this machine, and what runs an image of it.

By default a container is a process in a project's folder. With ``--container-runtime`` an image
that was built is run by podman, docker, or from buildah's store in a changed root.
"""
