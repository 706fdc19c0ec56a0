"""Block Kit as HTML, near enough to what people see in Slack. Unknown blocks are named, not hidden."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from sandbox.console import mrkdwn
from sandbox.console.mrkdwn import Name

Json = dict[str, Any]

_join = Markup("").join


def html(blocks: list[Json], name: Name) -> Markup:
    return _join(_block(block, name) for block in blocks if isinstance(block, dict))


def only_rich_text(blocks: list[Json]) -> bool:
    """Whether the blocks are just what Slack makes of a typed text; the text then says it all."""
    return all(isinstance(b, dict) and b.get("type") == "rich_text" for b in blocks)


def text(thing: object, name: Name) -> Markup:
    """A text object: plain_text or mrkdwn."""
    if not isinstance(thing, dict):
        return Markup("")
    said = str(thing.get("text", ""))
    if thing.get("type") == "mrkdwn":
        return mrkdwn.html(said, name)
    shown = Markup("<br>").join(said.split("\n"))
    return Markup(mrkdwn.SHORT_NAME.sub(lambda found: mrkdwn.emoji(found[1]), shown))


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _block(block: Json, name: Name) -> Markup:
    kind = str(block.get("type", ""))
    if kind == "header":
        return Markup('<div class="b-header">{}</div>').format(text(block.get("text"), name))
    if kind == "section":
        return _section(block, name)
    if kind == "context":
        parts = Markup(" ").join(_element(e, name) for e in _list(block.get("elements")))
        return Markup('<div class="b-context">{}</div>').format(parts)
    if kind == "actions":
        parts = _join(_element(e, name) for e in _list(block.get("elements")))
        return Markup('<div class="b-actions">{}</div>').format(parts)
    if kind == "divider":
        return Markup("<hr>")
    if kind == "markdown":
        return Markup('<div class="b-markdown">{}</div>').format(str(block.get("text", "")))
    if kind == "image":
        label = str(block.get("alt_text") or "image")
        url = str(block.get("image_url", ""))
        return Markup('<div class="b-image">🖼 {}</div>').format(mrkdwn.link(url, label))
    if kind == "rich_text":
        return _join(_rich(e, name) for e in _list(block.get("elements")))
    return Markup('<div class="b-unknown">[{}]</div>').format(kind or "block without a type")


def _section(block: Json, name: Name) -> Markup:
    body = text(block.get("text"), name)
    fields = [Markup("<div>{}</div>").format(text(f, name)) for f in _list(block.get("fields"))]
    if fields:
        body += Markup('<div class="b-fields">{}</div>').format(_join(fields))
    beside = block.get("accessory")
    shown = _element(beside, name) if isinstance(beside, dict) else Markup("")
    return Markup('<div class="b-section"><div>{}</div>{}</div>').format(body, shown)


def _element(element: object, name: Name) -> Markup:
    if not isinstance(element, dict):
        return Markup("")
    kind = str(element.get("type", ""))
    if kind in ("mrkdwn", "plain_text"):
        return Markup("<span>{}</span>").format(text(element, name))
    if kind == "button":
        return _button(element, name)
    if kind == "image":
        return Markup("<span>🖼 {}</span>").format(str(element.get("alt_text", "")))
    label = text(element.get("placeholder"), name) or Markup("{}").format(kind)
    return Markup('<span class="b-select">{} ▾</span>').format(label)


def _button(element: Json, name: Name) -> Markup:
    style = str(element.get("style", ""))
    css = f"b-button {style}" if style in ("primary", "danger") else "b-button"
    label = text(element.get("text"), name)
    url = str(element.get("url", ""))
    if url.lower().startswith(("http://", "https://")):
        opening = Markup('<a class="{}" href="{}" rel="noopener noreferrer" target="_blank">{}</a>')
        return opening.format(css, url, label)
    return Markup('<span class="{}">{}</span>').format(css, label)


def _rich(element: object, name: Name) -> Markup:
    if not isinstance(element, dict):
        return Markup("")
    kind = element.get("type")
    inner = _list(element.get("elements"))
    if kind == "rich_text_list":
        items = _join(Markup("<li>{}</li>").format(_rich(e, name)) for e in inner)
        tag = "ol" if element.get("style") == "ordered" else "ul"
        return Markup(f"<{tag}>{{}}</{tag}>").format(items)
    body = _join(_inline(e, name) for e in inner if isinstance(e, dict))
    if kind == "rich_text_preformatted":
        return Markup("<pre>{}</pre>").format(body)
    if kind == "rich_text_quote":
        return Markup("<blockquote>{}</blockquote>").format(body)
    return Markup("<span>{}</span>").format(body)


_STYLES = (("bold", "strong"), ("italic", "em"), ("strike", "s"), ("code", "code"))


def _inline(element: Json, name: Name) -> Markup:
    kind = element.get("type")
    if kind == "link":
        return mrkdwn.link(str(element.get("url", "")), str(element.get("text", "")))
    if kind == "emoji":
        return Markup("{}").format(mrkdwn.emoji(str(element.get("name", ""))))
    for key, sign in (("user_id", "@"), ("channel_id", "#"), ("usergroup_id", "@")):
        if key in element:
            who = name(str(element[key]))
            return Markup('<span class="mention">{}{}</span>').format(sign, who)
    if kind == "broadcast":
        return Markup('<span class="mention">@{}</span>').format(str(element.get("range", "")))
    body = Markup("<br>").join(str(element.get("text", element.get("fallback", ""))).split("\n"))
    style = element.get("style")
    for key, tag in _STYLES:
        if isinstance(style, dict) and style.get(key):
            body = Markup(f"<{tag}>{{}}</{tag}>").format(body)
    return body
