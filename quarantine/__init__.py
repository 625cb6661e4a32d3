"""Held mail and copies made anew: raw octets in a spool, everything else in SQL, nothing lost between the two."""
