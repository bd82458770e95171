"""GitHub: the release host's effects, and private vulnerability reports."""
