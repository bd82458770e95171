"""Advisories and their forms."""
