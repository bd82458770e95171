"""Matrix: its own sync loop over the client-server API, with nio's Olm machine for end-to-end encryption."""
