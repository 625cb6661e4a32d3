"""Scanners that run as servers of their own: clamd (rows 1 and 24) and spamd (row 28), by their protocols."""
