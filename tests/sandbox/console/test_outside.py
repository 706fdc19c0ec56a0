"""The console: the record, the documents, the status page as a customer sees it, and the mailbox."""

from __future__ import annotations

from tests.sandbox.console.scene import DANA, ONCALL, PAGE, Stage


async def test_the_record_says_what_to_whom_by_whom_and_with_what_outcome(stage: Stage) -> None:
    page = await stage.page("/record/INC-1")

    published = page[page.index('id="c-c2"') :]
    published = published[: published.index("</tr>")]
    for shown in (
        *("publish", "Payments fail", "customers", "Example Shop Status", "statuspage", DANA, ONCALL, "sent"),
        *('datetime="2026-01-31T10:05:00Z"', f'href="{stage.base}/stspg/x"', "p31zjtct2jer"),
    ):
        assert shown in published, shown
    held = page[page.index('id="c-c3"') :]
    assert "all is paused" in held
    assert "#inc-1-checkout" in held
    assert 'id="c-c2"' in await stage.page("/incident/INC-1")


async def test_timeline_and_review_are_documents(stage: Stage) -> None:
    page = await stage.page("/incident/INC-1")

    assert "<td>the pool</td>" in page
    assert "<h2>Cause</h2>" in page
    assert "<em>deploy</em>" in page
    assert "&lt;script&gt;" in page


async def test_the_status_page_is_as_a_customer_sees_it(stage: Stage) -> None:
    page = await stage.page(f"/page/{PAGE}")

    now, past = page.split("Past incidents")
    assert now.index("Identified") < now.index("Investigating")
    assert "Affects Checkout" in now
    assert now.count("Partial outage") == 4  # twice among what was said; the component; its group
    assert "Search was slow" not in now
    assert "Search was slow" in past
    assert "Solved" in past
    assert "Payments fail" in await stage.page("/pages")
    code = stage.sandbox.statuspage.people.incident("Search was slow").code
    short = await stage.http.get(f"/stspg/{code}")
    assert short.headers["location"] == f"/console/page/{PAGE}"
    [open_one] = stage.sandbox.statuspage.customer_view(PAGE)["open"]
    stage.sandbox.statuspage.people.post_update(open_one["id"], "Done", "resolved")
    assert '<div class="overall minor">Minor Service Outage' in await stage.page(f"/page/{PAGE}")


async def test_the_mailbox_is_everybody_s_and_one_person_s(stage: Stage) -> None:
    page = await stage.page("/mail")
    assert page.index(f"Hello {ONCALL}") < page.index(f"Hello {DANA}")
    assert "down" in page  # nobody has started it here
    mine = await stage.page(f"/mail?address={DANA}")
    assert f"Hello {ONCALL}" not in mine
    assert f"Hello {DANA}" in mine

    html = await stage.http.get("/console/mail/2/html")
    assert "<b>there</b>" in html.text
    assert html.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert "No HTML" in await stage.page("/mail/1/html", 404)
