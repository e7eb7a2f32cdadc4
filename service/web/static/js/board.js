// The drawing one can move and zoom. It shows the same XML as the picture it replaces; the look of each
// element comes from the server and is put on again after every live update.
(() => {
  const LOOKS = ["done", "now", "soon", "late", "wait", "todo"];
  const boards = new Map();
  const shown = new WeakMap();  // board -> the address of the drawing it shows

  function paint(board) {
    const viewer = boards.get(board);
    const state = JSON.parse(board.dataset.states);
    const canvas = viewer.get("canvas");
    const registry = viewer.get("elementRegistry");
    const overlays = viewer.get("overlays");
    overlays.remove({ type: "token" });  // the viewer's own ways into closed sub-processes stay
    registry.forEach((element) => {
      for (const look of LOOKS) canvas.removeMarker(element.id, `look-${look}`);
    });
    for (const [id, look] of Object.entries(state.looks ?? {})) {
      if (registry.get(id)) canvas.addMarker(id, `look-${look}`);
    }
    for (const [id, count] of Object.entries(state.counts ?? {})) {
      if (!registry.get(id)) continue;
      const badge = document.createElement("span");
      badge.className = `token look-${state.looks[id]}`;
      badge.textContent = count;
      overlays.add(id, "token", { position: { top: -12, left: -12 }, html: badge });
    }
  }

  const PAD = 30;

  // The whole drawing with a margin, so that labels at its edges are not cut. On a phone that would be too
  // small to read: there it begins at its left edge in a readable size.
  function fit(viewer, room) {
    const canvas = viewer.get("canvas");
    const inner = canvas.viewbox().inner;
    const wanted = (room.clientWidth * (inner.height + 2 * PAD)) / (inner.width + 2 * PAD);
    const isNarrow = room.clientWidth < 700;
    room.style.height = `${Math.round(Math.min(Math.max(isNarrow ? 460 : wanted, 380), 880))}px`;
    canvas.resized();
    const ratio = room.clientWidth / room.clientHeight;
    const whole = Math.max(inner.width + 2 * PAD, (inner.height + 2 * PAD) * ratio);
    const width = isNarrow ? room.clientWidth / 0.7 : Math.max(whole, room.clientWidth / 1.25);  // never blown up
    const x = isNarrow ? inner.x - PAD : inner.x - (width - inner.width) / 2;
    const y = isNarrow ? inner.y - PAD : inner.y - (width / ratio - inner.height) / 2;
    canvas.viewbox({ x, y, width, height: width / ratio });
  }

  async function drawing(board) {
    shown.set(board, board.dataset.source);
    const answer = await fetch(board.dataset.source);
    return answer.ok ? answer.text() : null;
  }

  // Work has moved on to another page of the diagram: the same viewer shows that one.
  async function turn(board) {
    const viewer = boards.get(board);
    const xml = await drawing(board);
    if (xml === null || shown.get(board) !== board.dataset.source) return;
    try { await viewer.importXML(xml); } catch { return; }
    fit(viewer, board.querySelector(".board-viewer"));
    paint(board);
  }

  async function show(board) {
    if (boards.has(board) || !window.BpmnJS) return;
    const room = board.querySelector(".board-viewer");
    const xml = await drawing(board);
    if (xml === null) return;
    board.querySelector(".board-picture").hidden = true;
    room.hidden = false;
    const viewer = new window.BpmnJS({ container: room });
    boards.set(board, viewer);
    try {
      await viewer.importXML(xml);
    } catch {
      boards.delete(board);
      room.hidden = true;
      board.querySelector(".board-picture").hidden = false;
      return;
    }
    fit(viewer, room);
    paint(board);
    viewer.on("root.set", () => setTimeout(() => fit(viewer, room)));  // after the viewer has gone back to its own place
    viewer.get("eventBus").on("element.click", ({ element }) => {
      const step = document.getElementById(`step-${element.id}`);
      document.querySelectorAll(".step.chosen").forEach((each) => each.classList.remove("chosen"));
      step?.classList.add("chosen");
      step?.scrollIntoView({ block: "nearest" });
    });
    const tools = board.closest("section")?.querySelector("[data-board-tools]");
    if (tools) {
      tools.hidden = false;
      tools.addEventListener("click", (event) => {
        const wish = event.target.closest("[data-zoom]")?.dataset.zoom;
        const canvas = viewer.get("canvas");
        if (wish === "fit") fit(viewer, room);
        else if (wish) canvas.zoom(canvas.zoom() * (wish === "in" ? 1.25 : 0.8));
      });
    }
  }

  // The picture file once more as points, twice as fine as on the screen.
  async function save(button) {
    const picture = new Image();
    picture.src = button.dataset.png;
    await picture.decode();
    const sheet = document.createElement("canvas");
    sheet.width = picture.naturalWidth * 2;
    sheet.height = picture.naturalHeight * 2;
    sheet.getContext("2d").drawImage(picture, 0, 0, sheet.width, sheet.height);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await new Promise((done) => sheet.toBlob(done, "image/png")));
    link.download = button.dataset.name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  function offer() {
    for (const button of document.querySelectorAll("[data-png]")) button.hidden = false;
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-png]");
    if (button) save(button);
  });
  document.addEventListener("DOMContentLoaded", () => {
    offer();
    document.querySelectorAll("[data-board]").forEach(show);
  });
  document.addEventListener("htmx:after:swap", () => {
    offer();
    for (const board of document.querySelectorAll("[data-board]")) {
      if (boards.has(board)) {
        board.querySelector(".board-picture").hidden = true;
        board.querySelector(".board-viewer").hidden = false;
        if (shown.get(board) === board.dataset.source) paint(board);
        else turn(board);
      } else show(board);
    }
  });
})();
