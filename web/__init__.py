"""The pages that people see in a browser: those of senders and of recipients. Never imported by the daemon."""
