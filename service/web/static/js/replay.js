// Replay: the slider, the steps and playing ask for the same page at another moment; without scripts the form and the
// links do. One request at a time: whoever drags on gets the moment he stopped at.
(() => {
  const form = () => document.querySelector("[data-replay]");
  let timer = 0;
  let isPlaying = false;

  function moment() {
    return document.getElementById("replay-moment").dataset;
  }

  function go(seq) {
    const slider = form().elements.seq;
    if (!seq) return;
    slider.value = seq;
    window.htmx.trigger(form(), "tocsin:scrub");
  }

  function pace() {
    return 1000 / Number(form().querySelector("[data-pace]").value);
  }

  function say() {
    const button = form().querySelector("[data-play]");
    button.setAttribute("aria-pressed", String(isPlaying));
    button.querySelector("span").textContent = isPlaying ? button.dataset.pause : button.dataset.start;
  }

  function stop() {
    isPlaying = false;
    clearTimeout(timer);
    say();
  }

  function next() {
    const later = Number(moment().later) || Number(moment().after);
    if (!isPlaying) return;
    if (later) go(later);
    else stop();
  }

  function play() {
    if (isPlaying) return stop();
    isPlaying = true;
    say();
    if (Number(moment().later)) next();
    else go(form().elements.seq.min);
  }

  document.addEventListener("DOMContentLoaded", () => {
    if (!form() || !window.htmx) return;
    form().querySelectorAll("[data-scripted]").forEach((each) => { each.hidden = false; });
    form().querySelectorAll("[data-plain]").forEach((each) => { each.hidden = true; });
    form().querySelector("[data-play]").addEventListener("click", play);
    form().addEventListener("submit", (event) => {
      event.preventDefault();
      go(form().elements.seq.value);
    });
    form().elements.seq.addEventListener("input", () => {
      if (isPlaying) stop();
      clearTimeout(timer);
      timer = setTimeout(() => go(form().elements.seq.value), 60);
    });
    document.addEventListener("click", (event) => {
      const step = event.target.closest("a[data-seq]");
      if (!step || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      if (isPlaying) stop();
      go(step.dataset.seq);
    });
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey || event.target.matches("input, textarea, select, button, a, summary, .board, .board *")) return;
      const key = { ArrowLeft: "before", ArrowRight: "after", PageUp: "earlier", PageDown: "later" }[event.key];
      if (key) go(moment()[key]);
      else if (event.key === " ") play();
      else return;
      event.preventDefault();
    });
    document.addEventListener("htmx:after:swap", () => {
      if (!form()) return;
      history.replaceState(null, "", moment().address);
      clearTimeout(timer);
      if (isPlaying) timer = setTimeout(next, pace());
    });
  });
})();
