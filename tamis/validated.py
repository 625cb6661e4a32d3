"""Who proved on the page of a notice to be a person is whitelisted for the recipient's domain (SPEC, section 3)."""

from sqlalchemy import select

from tamis.database import LIST_ENTRY
from tamis.list_rows import checked, put
from tamis.list_store import ListStore
from tamis.lists import BY_CAPTCHA, BadEntry, ListName, recipient_domain


def whitelist(url: str, domain: str, sender: str, note: str) -> bool:
    """Put a sender on a domain's whitelist; False where it stands there, or is no mail address.

    An entry that a person has made is left as it is: it holds without authentication, this one does not (row 6).
    Raises `sqlalchemy.exc.SQLAlchemyError`.
    """
    try:
        domain, value = recipient_domain(domain), checked(ListName.WHITELIST_SENDER, sender)
    except BadEntry:
        return False
    if "@" not in value:
        return False
    here = (LIST_ENTRY.c.list == ListName.WHITELIST_SENDER.value, LIST_ENTRY.c.domain == domain)
    with ListStore(url).change() as connection:
        if connection.execute(select(LIST_ENTRY.c.id).where(*here, LIST_ENTRY.c.value == value)).first():
            connection.rollback()
            return False
        put(connection, ListName.WHITELIST_SENDER, value, domain, BY_CAPTCHA, note=note)
        return True
