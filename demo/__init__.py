"""`make demo`: sample messages of every kind through a real Postfix and the real daemon."""
