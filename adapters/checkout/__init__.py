"""The repository port on a checkout of the project."""
