// Live updates: one stream per open tab tells (incident, seq) of new events. What shows that incident, or
// the inbox, is fetched again; a page in the background waits until it is looked at.
(() => {
  const WAIT = 600;
  const AGAIN = 10000;
  let timer = 0;
  let behind = new Set();
  let source = null;
  let isSignedOut = false;

  function shows(place) {
    return place.dataset.live === "inbox" ? behind.size > 0 : behind.has(place.dataset.live);
  }

  function isBusy(place) {
    const active = document.activeElement;
    return place.contains(active) && active.matches("input, textarea, select");
  }

  function refresh() {
    if (!window.htmx || document.hidden || isSignedOut) return;
    for (const place of document.querySelectorAll("[data-live]")) {
      if (shows(place) && !isBusy(place)) window.htmx.trigger(place, "tocsin:changed");
    }
    behind = new Set();
    if (document.querySelector('[data-live="inbox"]')) ask().then((count) => {
      if (count) document.title = document.title.replace(/^(\(\d+\) )?/, count === "0" ? "" : `(${count}) `);
    });
  }

  // How many tasks wait; the way to the door instead of a number says that the session has ended.
  function ask() {
    return fetch("/inbox/count", { redirect: "manual" }).then((answer) => {
      if (answer.type === "opaqueredirect") leave();
      return answer.ok ? answer.text() : "";
    }).catch(() => "");
  }

  function hear(event) {
    let news;
    try { news = JSON.parse(event.data); } catch { return; }
    behind.add(news.incident);
    clearTimeout(timer);
    timer = setTimeout(refresh, WAIT);
  }

  // The session has ended: what is typed stays on the page, which asks for nothing more.
  function leave() {
    isSignedOut = true;
    source?.close();
    clearTimeout(timer);
    const notice = document.getElementById("signed-out");
    notice.querySelector("a").href = `/sign-in?next=${encodeURIComponent(location.pathname)}`;
    notice.hidden = false;
  }

  function listen() {
    if (source || isSignedOut || document.hidden || !document.querySelector("[data-live]")) return;
    source = new EventSource("/api/v1/events");
    source.onmessage = hear;
    source.addEventListener("signed-out", leave);
    source.onerror = () => {
      if (source?.readyState !== EventSource.CLOSED) return; // the browser connects again by itself
      source = null;
      ask();
      setTimeout(listen, AGAIN);
    };
  }

  document.addEventListener("DOMContentLoaded", listen);
  document.addEventListener("tocsin:signed-out", leave);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      source?.close();
      source = null;
    } else if (!isSignedOut) {
      // What happened meanwhile was not heard: look once, then listen again.
      for (const place of document.querySelectorAll("[data-live]")) {
        if (window.htmx && !isBusy(place)) window.htmx.trigger(place, "tocsin:changed");
      }
      listen();
    }
  });
})();
