"""A release host that is a plain directory of archives with SHA*SUMS files."""
