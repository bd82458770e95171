"""Security advisories: one content, and the forms in which people and machines read it."""
