"""Naming a recipient to Postfix so that it is taken off a message, and nobody else is (SMFIR_DELRCPT).

Measured with Postfix 3.7; tests/milter/test_recipients.py holds the answers to the real one.
"""


def as_queued(word: str) -> str:
    """Return what `delrcpt` wants for a recipient, from the word that the client said after ``RCPT TO:``.

    Postfix removes the recipients whose address *as the client said it* is the one given, to the letter. It parses
    what it is given as it parsed what was said, save for two things that its SMTP server did before: it took off the
    angle brackets, and a source route, up to the first colon. Its own reading of the address, ``{rcpt_addr}``, is
    folded to lower case and rewritten (``ann%example.org``), so it often removes nobody.
    """
    if word.startswith("<") and word.endswith(">"):
        word = word[1:-1]
    return word.partition(":")[2] if word.startswith("@") and ":" in word else word
