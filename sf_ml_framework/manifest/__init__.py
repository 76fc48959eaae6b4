"""The waist: a project as frozen data, with no functions in it."""
