"""``python -m chatops.docs``: write the generated pages anew."""

from chatops.docs import write

write()
