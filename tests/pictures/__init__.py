"""Pictures of what people see: the cards and forms of a played disclosure, as Slack and Element show them.

``python -m tests.pictures OUTDIR [NAME…]`` draws them at the width of a phone and of a desk. It is for looking at, by
whoever changes a card, and no part of the test suite. Needs a Chromium, from ``PATH`` or ``CHROMIUM``, and
what ``python3 -m chatops.dev setup`` installs.
"""
