// Live updates: one stream per open tab tells (incident, seq) of new events. What shows that incident, or
// the inbox, is fetched again; a page in the background waits until it is looked at.
(() => {
  const WAIT = 600;
  let timer = 0;
  let behind = new Set();
  let source = null;

  function shows(place) {
    return place.dataset.live === "inbox" ? behind.size > 0 : behind.has(place.dataset.live);
  }

  function isBusy(place) {
    const active = document.activeElement;
    return place.contains(active) && active.matches("input, textarea, select");
  }

  function refresh() {
    if (!window.htmx || document.hidden) return;
    for (const place of document.querySelectorAll("[data-live]")) {
      if (shows(place) && !isBusy(place)) window.htmx.trigger(place, "tocsin:changed");
    }
    behind = new Set();
    if (!document.querySelector('[data-live="inbox"]')) return;
    fetch("/inbox/count").then((answer) => (answer.ok ? answer.text() : "")).then((count) => {
      if (count) document.title = document.title.replace(/^(\(\d+\) )?/, count === "0" ? "" : `(${count}) `);
    }).catch(() => {});
  }

  function hear(event) {
    let news;
    try { news = JSON.parse(event.data); } catch { return; }
    behind.add(news.incident);
    clearTimeout(timer);
    timer = setTimeout(refresh, WAIT);
  }

  function listen() {
    if (source || !document.querySelector("[data-live]")) return;
    source = new EventSource("/api/v1/events");
    source.onmessage = hear;
  }

  document.addEventListener("DOMContentLoaded", listen);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      source?.close();
      source = null;
    } else {
      // What happened meanwhile was not heard: look once, then listen again.
      for (const place of document.querySelectorAll("[data-live]")) {
        if (window.htmx && !isBusy(place)) window.htmx.trigger(place, "tocsin:changed");
      }
      listen();
    }
  });
})();
