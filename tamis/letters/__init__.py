"""Mail that Tamis itself writes to people about what is held: text and HTML, in the reader's language."""
