"""Questions to the DNS: asked ahead, in parallel, each once for a worker, within a budget for each message.

A filter names its questions (`Question`) and reads answers (`Answer`) through ``ctx.dns``. Names come from strangers,
and so do answers: neither raises.
"""

from tamis.dns.answer import Answer, Status
from tamis.dns.question import Question, reversed_name

__all__ = ["Answer", "Question", "Status", "reversed_name"]
