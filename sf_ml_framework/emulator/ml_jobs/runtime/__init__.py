"""What runs inside the container of an ML job, by the container's own Python."""
