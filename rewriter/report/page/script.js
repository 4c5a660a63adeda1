(() => {
  "use strict";
  const $ = (s, in_) => Array.from((in_ || document).querySelectorAll(s));
  const find = document.getElementById("find");
  const query = document.getElementById("q"), space = document.getElementById("ns"), what = document.getElementById("what");
  const said = document.getElementById("said");
  const rows = $("tr[data-k],details[data-k]").map(e => ({e, k: e.dataset.k, n: e.dataset.n || "", t: null}));
  const text = r => r.t === null ? (r.t = r.e.textContent.toLowerCase()) : r.t;

  const names = new Set();
  for (const r of rows) if (r.n) names.add(r.n);
  for (const name of Array.from(names).sort()) space.append(new Option(name, name));
  for (const kind of new Set(rows.map(r => r.k))) what.append(new Option({move: "moves", held: "holds", gap: "gaps", key: "keys", ksa: "service accounts", use: "uses"}[kind] || kind, kind));
  find.hidden = false;

  // Of long tables the first rows are shown, the rest when it is asked for or searched.
  const rests = $("tbody.rest").map(body => {
    const more = document.createElement("button");
    const r = {body, all: false, more};
    more.type = "button";
    more.className = "more";
    more.textContent = "Show " + body.rows.length.toLocaleString("en") + " more rows";
    more.addEventListener("click", () => { r.all = true; body.classList.add("all"); more.remove(); });
    body.closest(".scroll").after(more);
    return r;
  });

  function filter() {
    const words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
    const on = words.length > 0 || space.value || what.value;
    let shown = 0;
    for (const r of rests) {
      r.body.classList.toggle("all", r.all || !!on);
      r.more.hidden = !!on;
    }
    for (const r of rows) {
      const ok = (!what.value || r.k === what.value) && (!space.value || r.n === space.value) && words.every(w => text(r).includes(w));
      if (r.e.hidden === ok) r.e.hidden = !ok;
      if (ok) shown++;
    }
    for (const s of $("section.wave,section[data-list]")) s.hidden = !!on && $("[data-k]", s).length > 0 && !$("[data-k]:not([hidden])", s).length;
    said.value = on ? shown.toLocaleString("en") + " of " + rows.length.toLocaleString("en") : "";
  }
  let timer = 0;
  const soon = () => { clearTimeout(timer); timer = setTimeout(filter, 120); };
  query.addEventListener("input", soon);
  space.addEventListener("change", filter);
  what.addEventListener("change", filter);
  find.addEventListener("submit", e => { e.preventDefault(); filter(); });
  find.addEventListener("reset", () => setTimeout(filter, 0));
  document.addEventListener("keydown", e => {
    if (e.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) { e.preventDefault(); query.focus(); }
    if (e.key === "Escape" && document.activeElement === query) { query.value = ""; filter(); }
  });

  for (const table of $("table.sort")) {
    $("thead th", table).forEach((th, i) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...th.childNodes);
      th.append(button);
      button.addEventListener("click", () => {
        const down = th.getAttribute("aria-sort") === "ascending";
        $("thead th", table).forEach(h => h.removeAttribute("aria-sort"));
        th.setAttribute("aria-sort", down ? "descending" : "ascending");
        const [body, rest] = table.tBodies;
        const every = Array.from(table.tBodies).flatMap(b => Array.from(b.rows));
        const value = tr => { const c = tr.cells[i]; return c ? c.textContent.trim() : ""; };
        const number = s => { const n = parseFloat(s.replace(/,/g, "")); return isNaN(n) ? null : n; };
        const last = every.filter(tr => tr.dataset.last);
        const list = every.filter(tr => !tr.dataset.last).map(tr => ({tr, v: value(tr)}));
        const numeric = th.classList.contains("n");
        const order = new Intl.Collator("en", {numeric: true});
        list.sort((a, b) => (numeric ? (number(a.v) ?? -1) - (number(b.v) ?? -1) : order.compare(a.v, b.v)) * (down ? -1 : 1));
        const sorted = list.map(x => x.tr);
        body.replaceChildren(...sorted.slice(0, rest ? 1000 : sorted.length), ...(rest ? [] : last));
        if (rest) rest.replaceChildren(...sorted.slice(1000), ...last);
      });
    });
  }

  const open = () => {
    const e = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (e && e.tagName === "DETAILS") { e.hidden = false; e.open = true; e.scrollIntoView(); }
  };
  addEventListener("hashchange", open);
  open();
  const all = document.getElementById("all");
  all.addEventListener("click", () => {
    const shut = $("details:not([open])").filter(d => !d.hidden);
    const opened = shut.length > 0;
    (opened ? shut : $("details")).forEach(d => { d.open = opened; });
    all.textContent = opened ? "Close all" : "Open all";
  });
  // Few details are printed open; of many only those that the reader opened.
  let closed = [];
  addEventListener("beforeprint", () => {
    if (document.body.classList.contains("many")) return;
    closed = $("details:not([open])");
    closed.forEach(d => { d.open = true; });
  });
  addEventListener("afterprint", () => { closed.forEach(d => { d.open = false; }); closed = []; });
})();
