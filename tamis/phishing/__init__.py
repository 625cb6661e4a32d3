"""Signs of phishing: what a message pretends to be, and where it really leads. The tests of rows 23 and 33 (SPEC).

Each module looks at one thing (links, the author, the page, the letters) and yields `Found`. What a sign is worth is
given by hand (`sign.Sign`): mail that may be learned is older than what these signs are about (docs/phishing.md).
"""
