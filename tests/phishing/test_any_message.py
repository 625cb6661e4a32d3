"""Whatever stands in a message, both rows answer, and every sign they find is one that they declare."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.filters.malformed_headers import MalformedHeaders
from tamis.filters.surbl import Surbl
from tamis.testing import hits, mail

_HEADER = st.sampled_from(
    [
        b"From: PayPal <x@paypa1.com>\n",
        b"From: \xff\xfe <@>\n",
        b"From: =?utf-8?b?8J2QgPCdkJrwnZCa?= <x@xn--80ak6aa92e.com>\n",
        b'Reply-To: <<>>, a@b, "\n',
        b"Reply-To: y@gmail.com\n",
        b"Subject: \xe2\x80\xae =?utf-7?q?+2AA-?=\n",
        b"Content-Type: multipart/alternative; boundary=b\n",
        b"Content-Type: text/html; charset=utf-7\n",
        b"Content-Type: text/html\n",
        b"Content-Disposition: attachment; filename=x.html\n",
        b"MIME-Version: 1.0\n",
    ]
)
_BODY = st.one_of(
    st.sampled_from(
        [
            b"--b\nContent-Type: text/html\n\n",
            b"--b\nContent-Type: image/svg+xml; name=x.svg\n\n",
            b"--b\n\n",
            b"--b--\n",
            b'<a href="http://',
            b'">',
            b"<a href='//xn--",
            b"@[::1]:99999/",
            b"0x7f.1",
            b"%2568ttp%3A//",
            b"https://www.google.com/url?q=https:\\\\",
            b"paypal.com",
            b".",
            b"</a>",
            b"<script>atob(eval(",
            b"<form><input type=password>",
            b"<div style='font:0/0 a;color:rgb(1,2,3);background:#ff'>",
            b"<style>.a{display:none",
            b"javascript:",
            b"data:text/html,",
            b"\xd0\xb0a\xe2\x80\x8b",
            b"\0",
        ]
    ),
    st.binary(max_size=20),
    st.text(max_size=20).map(lambda text: text.encode("utf-8", "surrogatepass")),
)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(st.lists(_HEADER, max_size=6), st.lists(_BODY, max_size=25), st.text(max_size=12))
def test_any_message(header: list[bytes], body: list[bytes], local: str) -> None:
    message = mail(
        b"".join(header) + b"\n" + b"".join(body), recipients=[f"{local}@example.org", "ann@paypal.com", local]
    )
    names = MalformedHeaders.Options(protected_names=(local, "Ann Smith"))
    for filter, options in ((Surbl(), Surbl.Options()), (MalformedHeaders(), names)):
        hits(filter, message, options)
