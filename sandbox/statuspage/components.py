"""Components and their groups, as the API offers them."""

from __future__ import annotations

from sandbox.statuspage import errors, fields, rules, uptime, views
from sandbox.statuspage.course import Course
from sandbox.statuspage.fields import Fields
from sandbox.statuspage.paging import page_of
from sandbox.statuspage.state import Component, Group, Page, Store
from sandbox.wire import Call, Reply
from sandbox.world import Json, iso


class Components:
    def __init__(self, store: Store, course: Course) -> None:
        self.store, self.course = store, course

    async def index(self, call: Call) -> Reply:
        """Groups are in the list as well, with `group` true."""
        page = self._page(call)
        shown: list[tuple[int, Json]] = [
            *((c.position, views.component(c)) for c in self.store.ordered(page.id)),
            *(
                (g.position, views.group_as_component(g, self.store))
                for g in self.store.of(self.store.groups, page.id)
            ),
        ]
        return Reply([body for _, body in page_of(call, sorted(shown, key=lambda one: one[0]))])

    async def create(self, call: Call) -> Reply:
        page = self._page(call)
        given = Fields.of(fields.body(call), "component")
        given.required("name", rules.NAME_MAX)
        wanted = self._read(given, page)
        made = self.add(page, wanted["name"], wanted.get("status") or "operational")
        self._set(made, wanted)
        return Reply(views.component(made), 201, effect=f"component {made.id} {made.name!r} created")

    async def get(self, call: Call) -> Reply:
        page, key = self._page(call), call.path["component_id"]
        group = self.store.groups.get(key)
        if group is not None and group.page_id == page.id:
            return Reply(views.group_as_component(group, self.store))
        return Reply(views.component(self._component(call)))

    async def update(self, call: Call) -> Reply:
        component = self._component(call)
        wanted = self._read(Fields.of(fields.body(call), "component"), self._page(call))
        old = component.status
        changed = self._set(component, wanted)
        effect = f"component {component.id} {component.name!r} edited" if changed else None
        if component.status != old:
            effect = f"component {component.name} {old or 'no status'} -> {component.status or 'no status'}"
        return Reply(views.component(component), effect=effect)

    async def delete(self, call: Call) -> Reply:
        component = self._component(call)
        del self.store.components[component.id]
        for incident in self.store.incidents.values():
            incident.component_ids = [key for key in incident.component_ids if key != component.id]
        return Reply(status=204, effect=f"component {component.id} {component.name!r} deleted")

    async def uptime(self, call: Call) -> Reply:
        """Vendor: for components whose uptime is showcased; up to six months."""
        component = self._component(call)
        if not component.showcase:
            raise errors.invalid(["Component does not have uptime showcase enabled"])
        return Reply(uptime.component(component, call, self.store.now()))

    async def groups_list(self, call: Call) -> Reply:
        found = sorted(self.store.of(self.store.groups, self._page(call).id), key=lambda g: g.position)
        return Reply([views.group(g, self.store) for g in page_of(call, found)])

    async def groups_create(self, call: Call) -> Reply:
        page, body = self._page(call), fields.body(call)
        given = Fields.of(body, "component_group")
        name = given.required("name", rules.NAME_MAX)
        members = self._members(given, page)
        given.check()
        group = self.add_group(page, name, members, _description(body, given))
        effect = f"component group {group.id} {group.name!r} created with {len(members)} components"
        return Reply(views.group(group, self.store), 201, effect=effect)

    async def groups_get(self, call: Call) -> Reply:
        return Reply(views.group(self._group(call), self.store))

    async def groups_update(self, call: Call) -> Reply:
        page, group, body = self._page(call), self._group(call), fields.body(call)
        given = Fields.of(body, "component_group")
        name = given.required("name", rules.NAME_MAX) if given.has("name") else group.name
        members = self._members(given, page) if given.has("components") else None
        given.check()
        group.name, group.updated = name, self.store.now()
        if "description" in body or given.has("description"):
            group.description = _description(body, given)
        if members is not None:
            for one in self.store.members(group):
                one.group_id = None
            for one in members:
                one.group_id = group.id
        effect = f"component group {group.id} {group.name!r} edited"
        return Reply(views.group(group, self.store), effect=effect)

    async def groups_delete(self, call: Call) -> Reply:
        """The group goes, its components stay."""
        group = self._group(call)
        shown = views.group(group, self.store)
        for one in self.store.members(group):
            one.group_id = None
        del self.store.groups[group.id]
        return Reply(shown, effect=f"component group {group.id} {group.name!r} deleted")

    async def groups_uptime(self, call: Call) -> Reply:
        group = self._group(call)
        return Reply(uptime.group(group, self.store.members(group), call, self.store.now()))

    def add(self, page: Page, name: str, status: str = "operational") -> Component:
        """One more component at the end of the page."""
        now = self.store.now()
        made = Component(self.store.new_id(), page.id, name, now, now, self._next(page), status)
        made.start_date = iso(now)[:10]
        made.history.append((now, status))
        self.store.components[made.id] = made
        return made

    def add_group(
        self, page: Page, name: str, members: list[Component], description: str | None = None
    ) -> Group:
        now = self.store.now()
        group = Group(self.store.new_id(), page.id, name, now, now, self._next(page), description)
        self.store.groups[group.id] = group
        for one in members:
            one.group_id = group.id
        return group

    def _next(self, page: Page) -> int:
        components = self.store.of(self.store.components, page.id)
        groups = self.store.of(self.store.groups, page.id)
        return 1 + max([*(c.position for c in components), *(g.position for g in groups)], default=0)

    def _read(self, given: Fields, page: Page) -> Json:
        """The fields given, checked. Raises StatuspageError 422."""
        wanted: Json = {}
        if given.has("name"):
            wanted["name"] = given.required("name", rules.NAME_MAX)
        for name in ("description", "group_id"):
            if given.has(name):
                wanted[name] = given.text(name) or None
        status = given.text("status", allowed=rules.COMPONENT_STATUSES)
        if status is not None:
            wanted["status"] = status
        for name in ("showcase", "only_show_if_degraded"):
            value = given.switch(name)
            if value is not None:
                wanted[name] = value
        started = given.time("start_date")
        if started is not None:
            wanted["start_date"] = iso(started)[:10]
        group_id = wanted.get("group_id")
        if group_id is not None and not self._has_group(page, group_id):
            given.refuse("Group does not belong to this page")
        given.check()
        return wanted

    def _has_group(self, page: Page, key: str) -> bool:
        found = self.store.groups.get(key)
        return found is not None and found.page_id == page.id

    def _set(self, component: Component, wanted: Json) -> bool:
        changed = False
        for name, value in wanted.items():
            if name != "status" and getattr(component, name) != value:
                setattr(component, name, value)
                component.updated = self.store.now()
                changed = True
        if "status" in wanted:
            changed = self.course.set_status(component, wanted["status"]) or changed
        return changed

    def _members(self, given: Fields, page: Page) -> list[Component]:
        keys = given.ids("components") or []
        if not keys:
            given.refuse("Components can't be blank")
        found = []
        for key in keys:
            one = self.store.components.get(key)
            if one is None or one.page_id != page.id:
                given.refuse(f"Component {key} does not belong to this page")
            else:
                found.append(one)
        return found

    def _page(self, call: Call) -> Page:
        return self.store.page(call.path["page_id"])

    def _component(self, call: Call) -> Component:
        return self.store.owned(self.store.components, self._page(call), call.path["component_id"])

    def _group(self, call: Call) -> Group:
        return self.store.owned(self.store.groups, self._page(call), call.path["id"])


def _description(body: Json, given: Fields) -> str | None:
    """The published file puts it beside the object, not inside; both are taken."""
    found = body.get("description", given.given.get("description"))
    return found if isinstance(found, str) else None
