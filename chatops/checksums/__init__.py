"""Checksum lines: reading them, judging them against the project's releases, writing them, checking files.

- ``digests``: the algorithms, and hashing files and streams.
- ``lines``: the grammar of ``sha1sum -c`` and its siblings, exactly.
- ``pasted``: the same and the downstreams' notations as people paste them into chat, more kindly.
- ``archives``: what the project has on record about an archive.
- ``verdicts``: what a pasted line says about an archive on record.
- ``notations``: a release's checksums in each downstream's notation.
- ``check``: ``chatops verify`` in a shell.
"""
