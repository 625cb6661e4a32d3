"""What is attached to a message: files by content, archives opened, names and macros looked at (rows 25 and 26).

Nothing here raises for what a stranger sent, and every bound stands in `tamis.limits`.
"""

from tamis.attachments.attachments import Attachments
from tamis.attachments.files import File

__all__ = ["Attachments", "File"]
