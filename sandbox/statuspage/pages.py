"""Pages, the look of their embedded status, and incident templates, as the API offers them."""

from __future__ import annotations

from sandbox.statuspage import fields, rules, views
from sandbox.statuspage.fields import Fields
from sandbox.statuspage.paging import page_of
from sandbox.statuspage.state import Page, Store, Template
from sandbox.wire import Call, Reply


class Pages:
    def __init__(self, store: Store) -> None:
        self.store = store

    async def index(self, call: Call) -> Reply:
        """All pages of the key at once: this list takes no page number."""
        return Reply([views.page(p) for p in self.store.pages.values()])

    async def get(self, call: Call) -> Reply:
        return Reply(views.page(self._page(call)))

    async def update(self, call: Call) -> Reply:
        page = self._page(call)
        given = Fields.of(fields.body(call), "page")
        name = given.required("name", rules.NAME_MAX) if given.has("name") else page.name
        zone = given.text("time_zone") or page.time_zone
        more = {}
        for key in views.PAGE_SETTINGS:
            if given.has(key):
                switch = isinstance(views.page(page)[key], bool)
                more[key] = given.switch(key) if switch else given.text(key)
        given.check()
        page.name, page.time_zone, page.updated = name, zone, self.store.now()
        page.more.update(more)
        return Reply(views.page(page), effect=f"page {page.id} edited")

    async def embed(self, call: Call) -> Reply:
        return Reply(views.embed(self._page(call)))

    async def embed_update(self, call: Call) -> Reply:
        page = self._page(call)
        given = Fields.of(fields.body(call), "status_embed_config")
        wanted = {key: given.text(key) for key in views.EMBED if given.has(key)}
        given.check()
        page.embed.update(wanted)
        return Reply(views.embed(page), effect=f"embedded status of page {page.id} edited")

    async def templates(self, call: Call) -> Reply:
        found = self.store.of(self.store.templates, self._page(call).id)
        return Reply([views.template(t, self.store) for t in page_of(call, found)])

    async def template_create(self, call: Call) -> Reply:
        """Nothing applies a template: a client copies what is in it."""
        page = self._page(call)
        made = self.read_template(Fields.of(fields.body(call), "template"), page)
        self.store.templates[made.id] = made
        return Reply(
            views.template(made, self.store), 201, effect=f"template {made.id} {made.name!r} created"
        )

    def read_template(self, given: Fields, page: Page) -> Template:
        """A template, not yet kept. Raises StatuspageError 422."""
        made = Template(
            id=self.store.new_id(),
            page_id=page.id,
            name=given.required("name", rules.NAME_MAX),
            title=given.required("title", rules.NAME_MAX),
            body=given.required("body", rules.BODY_MAX),
            group_id=given.text("group_id"),
            update_status=given.text("update_status", allowed=rules.STATUSES),
            should_tweet=bool(given.switch("should_tweet")),
            should_send_notifications=bool(given.switch("should_send_notifications")),
            component_ids=given.ids("component_ids") or [],
        )
        for key in made.component_ids:
            component = self.store.components.get(key)
            if component is None or component.page_id != page.id:
                given.refuse(f"Component {key} does not belong to this page")
        given.check()
        return made

    def _page(self, call: Call) -> Page:
        return self.store.page(call.path["page_id"])
