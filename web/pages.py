"""A page for who asks: in the language of the browser, with a token for its forms."""

from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse

from tamis.translations import preferred
from tamis.web import forms
from tamis.web.house import house_of


def page(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """Return a page in the language of the browser. Its forms find their token as ``form_token``."""
    house, language = house_of(request), language_of(request)
    visit, new = forms.visit_of(request)
    values = {"form_token": forms.form_token(house.tokens, visit), **values}
    response = HTMLResponse(house.templates.text(language, template, values), status)
    if new:
        forms.remember_visit(response, visit, house.secure)
    return response


def language_of(request: Request) -> str:
    """Return the language of the browser, where it names none of ours that of the configuration."""
    otherwise = house_of(request).config.settings.web.language
    return preferred(request.headers.get("accept-language", ""), otherwise)
