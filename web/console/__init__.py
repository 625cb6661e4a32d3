"""The administrator's console: what was decided and why, what is held, policies and lists, and who changed what."""
