"""Alembic migrations, shipped in the package; run through :mod:`chatops.service.schema`."""
