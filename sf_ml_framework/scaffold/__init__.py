"""What makes a new project, and brings one up to date: the template, and the framework's own wheel.

``template/`` is a Copier template, ``locks/`` are the resolved requirements of what it makes. Both
travel in the wheel, and the wheel in every project's ``vendor/``: so each project carries the
template that it was made from, which a three-way merge needs.
"""
