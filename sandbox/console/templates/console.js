// Fetches the page's own fragment and puts it in place when it changed; scroll and open parts stay.
(() => {
  const page = document.getElementById("page");
  const address = new URL(location.href);
  address.searchParams.set("fragment", "1");
  let last = null;

  const keep = () => ({
    open: [...page.querySelectorAll("details[id]")].map((d) => [d.id, d.open]),
    scrolled: [...page.querySelectorAll("[data-scroll]")].map((e) => [
      e.dataset.scroll, e.scrollTop, e.scrollHeight - e.scrollTop - e.clientHeight < 24,
    ]),
  });

  const restore = ({ open, scrolled }) => {
    for (const [id, was] of open) {
      const part = document.getElementById(id);
      if (part) part.open = was;
    }
    for (const [name, top, atEnd] of scrolled) {
      const part = page.querySelector(`[data-scroll="${name}"]`);
      if (part) part.scrollTop = atEnd ? part.scrollHeight : top;
    }
  };

  const refresh = async () => {
    try {
      const answer = await fetch(address, { cache: "no-store" });
      const text = answer.ok ? await answer.text() : null;
      document.body.classList.toggle("offline", text === null);
      if (text !== null && text !== last && !getSelection().toString()) {
        const kept = keep();
        page.innerHTML = text;
        restore(kept);
        last = text;
      }
    } catch {
      document.body.classList.add("offline");
    }
    setTimeout(refresh, 1500);
  };

  for (const part of page.querySelectorAll("[data-scroll]")) part.scrollTop = part.scrollHeight;
  setTimeout(refresh, 1500);
})();
