"""Patches for tests, as ``git format-patch --stdout`` writes them."""

from __future__ import annotations


def patch(subject: str = "Bound the job name", *, new: str = "strlcpy(a, b, n);") -> str:
    """One that changes a line of ``queue.c``."""
    return f"""From 1234567890123456789012345678901234567890 Mon Sep 17 00:00:00 2001
From: Maintainer <maintainer@example.org>
Date: Mon, 2 Mar 2026 09:00:00 +0000
Subject: [PATCH] {subject}

---
 queue.c | 2 +-
 1 file changed, 1 insertion(+), 1 deletion(-)

diff --git a/queue.c b/queue.c
index 1111111..2222222 100644
--- a/queue.c
+++ b/queue.c
@@ -1,3 +1,3 @@
 int a;
-strcpy(a, b);
+{new}
 int b;
"""


def fenced(text: str) -> str:
    """As it is pasted into a chat."""
    return f"```\n{text}```"
