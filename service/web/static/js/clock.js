// Times that tick: the clock at the top, and what is left of each deadline. The server's clock counts,
// so every counter starts from the instant the page was made and only adds what passed since.
(() => {
  const loaded = performance.now();
  const english = document.documentElement.lang.startsWith("en");
  const unit = english ? ["d", "h", "min"] : ["天", "时", "分"];
  const two = (number) => String(number).padStart(2, "0");

  function span(seconds) {
    const minutes = Math.floor(seconds / 60);
    const days = Math.floor(minutes / 1440);
    const hours = Math.floor((minutes % 1440) / 60);
    if (days) return `${days} ${unit[0]} ${hours} ${unit[1]}`;
    return hours ? `${hours} ${unit[1]} ${two(minutes % 60)} ${unit[2]}` : `${minutes} ${unit[2]}`;
  }

  // The clock of a drill runs at a speed of its own.
  function speedOf(place) {
    return Number(place.dataset.speed ?? 1);
  }

  function tick() {
    const passed = (performance.now() - loaded) / 1000;
    for (const count of document.querySelectorAll("[data-due]")) {
      count.madeAt ??= passed;
      const left = (Date.parse(count.dataset.due) - Date.parse(count.dataset.now)) / 1000 - (passed - count.madeAt) * speedOf(count);
      const isLate = left < 0;
      const isSoon = !isLate && left < 1800;
      const whole = Math.floor(Math.abs(left));
      count.classList.toggle("late", isLate);
      count.classList.toggle("soon", isSoon);
      count.querySelector("span").textContent = isLate ? count.dataset.late : count.dataset.left;
      count.querySelector("b").textContent = isSoon ? `${two(Math.floor(whole / 60))}:${two(whole % 60)}` : span(whole);
    }
    for (const clock of document.querySelectorAll("[data-clock]")) {
      if (clock.toldBy !== clock.dataset.clock) [clock.toldBy, clock.madeAt] = [clock.dataset.clock, clock.toldBy ? passed : 0];
      const now = new Date(Date.parse(clock.dataset.clock) + (passed - clock.madeAt) * speedOf(clock) * 1000 + 8 * 3600 * 1000);
      clock.textContent = `${two(now.getUTCMonth() + 1)}-${two(now.getUTCDate())} ${two(now.getUTCHours())}:${two(now.getUTCMinutes())}`;
    }
  }

  document.addEventListener("DOMContentLoaded", () => {
    tick();
    setInterval(tick, 1000);
  });
})();
