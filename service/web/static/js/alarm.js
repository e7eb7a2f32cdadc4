// Sound and browser notification for new tasks while a page is open, also in the background; switched on per
// browser on the page of one's channels. A notification says that there is something, never what. A page of somebody
// who joined a drill names where the tasks of that drill are counted, and the number stands in its title.
(() => {
  const KEY = "tocsin-alarm";
  const EVERY = 20000;
  let known = null;

  const isOn = () => localStorage.getItem(KEY) === "on";

  function sound() {
    const Context = window.AudioContext || window.webkitAudioContext;
    if (!Context) return;
    const context = new Context();
    [0, 0.35, 0.7].forEach((at, turn) => {
      const tone = context.createOscillator();
      const volume = context.createGain();
      tone.frequency.value = turn % 2 ? 660 : 880;
      volume.gain.value = 0.2;
      tone.connect(volume).connect(context.destination);
      tone.start(context.currentTime + at);
      tone.stop(context.currentTime + at + 0.25);
    });
    setTimeout(() => context.close(), 2000);
  }

  function ring() {
    sound();
    const text = document.body.dataset.alarm;
    if ("Notification" in window && Notification.permission === "granted") {
      const shown = new Notification(text, { tag: KEY });
      shown.onclick = () => { window.focus(); location.assign(document.body.dataset.alarmHome || "/inbox"); };
    }
  }

  function look() {
    const counted = document.body.dataset.alarmCount;
    if (!isOn() && !counted) return;
    fetch(counted || "/inbox/count").then((answer) => (answer.ok ? answer.text() : "")).then((text) => {
      if (!/^\d+$/.test(text)) return;
      const count = Number(text);
      if (counted) document.title = document.title.replace(/^(\(\d+\) )?/, count ? `(${count}) ` : "");
      if (isOn() && known !== null && count > known) ring();
      known = count;
    }).catch(() => {});
  }

  function show(place) {
    place.hidden = false;
    const button = place.querySelector("button");
    button.setAttribute("aria-pressed", String(isOn()));
    button.textContent = isOn() ? place.dataset.on : place.dataset.off;
  }

  document.addEventListener("DOMContentLoaded", () => {
    if (!document.body.dataset.alarm) return;
    look();
    setInterval(look, EVERY);
    const place = document.querySelector("[data-alarm-switch]");
    if (!place) return;
    show(place);
    place.querySelector("button").addEventListener("click", async () => {
      localStorage.setItem(KEY, isOn() ? "off" : "on");
      if (isOn()) {
        sound();
        if ("Notification" in window && Notification.permission === "default") await Notification.requestPermission();
      }
      known = null;
      look();
      show(place);
    });
  });
})();
