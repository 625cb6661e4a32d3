"""Who answers for a message: SPF, DKIM, DMARC, ARC and the peer's name in the DNS, in the words of RFC 8601.

Filters read it through ``ctx.authentication`` (`Authentication`); `tamis.authentication.header` writes it down.
"""

from tamis.authentication.authentication import Authentication, SpfCheck, SpfSaid
from tamis.authentication.results import Arc, Dkim, Dmarc, Iprev, Result

__all__ = ["Arc", "Authentication", "Dkim", "Dmarc", "Iprev", "Result", "SpfCheck", "SpfSaid"]
