"""One file a command: declaration, handler, reply. :mod:`chatops.commands.registry` collects them."""
