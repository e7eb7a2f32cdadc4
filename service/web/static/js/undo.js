// A step that is done with one tap is sent ten seconds later, so that it can be taken back. Leaving the
// page sends it at once. Without scripts the button sends immediately.
(() => {
  const WAIT = 10000;
  let pending = null;

  function send(form, isLeaving) {
    return fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), keepalive: isLeaving, redirect: "manual" });
  }

  function settle(isLeaving) {
    if (!pending) return;
    const { form, timer } = pending;
    clearTimeout(timer);
    pending = null;
    document.getElementById("toast").hidden = true;
    const sent = send(form, isLeaving);
    if (!isLeaving) sent.then(() => location.reload(), () => location.reload());
  }

  function undo() {
    if (!pending) return;
    clearTimeout(pending.timer);
    pending.form.closest(".task")?.classList.remove("leaving");
    pending.form.querySelector("button").disabled = false;
    pending = null;
    document.getElementById("toast").hidden = true;
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.dataset.undo) return;
    event.preventDefault();
    if (pending) {
      const earlier = pending;
      clearTimeout(earlier.timer);
      pending = null;
      send(earlier.form, true);
      earlier.form.closest(".task")?.remove();
    }
    const toast = document.getElementById("toast");
    toast.querySelector("span").textContent = form.dataset.undo;
    toast.hidden = false;
    form.closest(".task")?.classList.add("leaving");
    form.querySelector("button").disabled = true;
    pending = { form, timer: setTimeout(() => settle(false), WAIT) };
  });

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelector("#toast button")?.addEventListener("click", undo);
    for (const menu of document.querySelectorAll("details.menu")) {
      document.addEventListener("click", (event) => { if (!menu.contains(event.target)) menu.open = false; });
    }
  });
  window.addEventListener("pagehide", () => settle(true));
})();
