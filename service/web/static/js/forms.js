// What scripts add to forms: fields that appear when they apply, "now", the probable value, drafts kept
// by themselves. Every form works without.
(() => {
  const WAIT = 3000;

  function values(form, name) {
    return new FormData(form).getAll(name).filter((value) => typeof value === "string" && value !== "");
  }

  // A condition as form_conditions has it: all, any, or a test of one field. A part of a person is looked
  // up under its own name; what is known only to the server never hides anything.
  function holds(form, condition) {
    if (condition.all) return condition.all.every((part) => holds(form, part));
    if (condition.any) return condition.any.some((part) => holds(form, part));
    const found = values(form, condition.field);
    const wanted = condition.values.map(String);
    switch (condition.test) {
      case "given": return found.length > 0;
      case "missing": return found.length === 0;
      case "not_in": return !found.some((value) => wanted.includes(value));
      default: return found.some((value) => wanted.includes(value));
    }
  }

  function follow(form) {
    for (const field of form.querySelectorAll("[data-when]")) {
      const applies = holds(form, JSON.parse(field.dataset.when));
      const isFilled = [...field.querySelectorAll("input, textarea, select")].some((input) =>
        input.type === "radio" || input.type === "checkbox" ? input.checked : input.value !== "");
      field.hidden = !applies && !isFilled && !field.classList.contains("bad");
      for (const mark of field.querySelectorAll(".opt")) mark.hidden = applies;
    }
  }

  // The server's clock counts: the time the page was made, and what passed since.
  function localNow() {
    const made = Date.parse(document.querySelector("[data-clock]")?.dataset.clock ?? "") || Date.now() - performance.now();
    return new Date(made + performance.now() + 8 * 3600 * 1000).toISOString().slice(0, 16);
  }

  function keepDraft(form) {
    let timer = 0;
    const saved = document.getElementById("saved");
    const save = () => {
      const data = new FormData(form);
      for (const [name, value] of [...data]) if (value instanceof File) data.delete(name);
      fetch(form.dataset.draft, { method: "POST", body: data, headers: { "HX-Request": "true" } })
        .then((answer) => (answer.ok ? answer.text() : ""))
        .then((text) => { if (text && saved) saved.textContent = text.trim(); })
        .catch(() => {});
    };
    form.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(save, WAIT);
    });
    form.addEventListener("submit", () => clearTimeout(timer));
  }

  // One person or the other: choosing one of the list empties what was typed, and the other way round.
  function exclusive(form) {
    form.addEventListener("change", (event) => {
      const box = event.target;
      if (box.type !== "checkbox" || !box.checked) return;
      const group = [...form.querySelectorAll(`input[type=checkbox][name="${CSS.escape(box.name)}"]`)];
      const none = group.find((each) => each.value === "none");
      if (none && box !== none) none.checked = false;
      if (none && box === none) group.forEach((each) => { each.checked = each === none; });
    });
  }

  // A row more, less or back without leaving the page: the server answers the whole page, the list is taken from it.
  function keepRows(form) {
    form.addEventListener("click", (event) => {
      const button = event.target.closest('button[name="do"]');
      const list = button?.closest("[data-rows]");
      if (!list || !/^(add|remove|restore|same):/.test(button.value)) return;
      event.preventDefault();
      const data = new FormData(form);
      for (const [name, value] of [...data]) if (value instanceof File) data.delete(name);
      data.set("do", button.value);
      fetch(form.action, { method: "POST", body: data })
        .then((answer) => (answer.ok ? answer.text() : Promise.reject(answer)))
        .then((text) => {
          const made = new DOMParser().parseFromString(text, "text/html").getElementById(list.id);
          list.replaceWith(made);
          settle(form);
          const row = made.querySelector("[autofocus]") ?? document.getElementById(button.closest("[data-row]")?.id);
          (row?.querySelector(".parts :is(input, select, textarea):not([type=hidden])") ?? made.querySelector("button[value^=add]"))?.focus();
          form.dispatchEvent(new Event("input"));
        })
        .catch(() => form.requestSubmit(form.querySelector('[name="do"][value="draft"]') ?? button));
    });
    form.addEventListener("input", (event) => {
      const list = document.getElementById(event.target.dataset?.find ?? "");
      if (!list) return;
      event.stopPropagation();
      for (const row of list.querySelectorAll("[data-row]")) row.hidden = !row.textContent.includes(event.target.value.trim());
    }, true);
  }

  // What a form shows by what is in it; again after a list has changed.
  function settle(form) {
    follow(form);
    for (const hidden of form.querySelectorAll("button[data-now], .find")) hidden.hidden = false;
  }

  function set(id, value) {
    const input = document.getElementById(id);
    input.value = value;
    input.dispatchEvent(new Event("input", { bubbles: true }));
    return input;
  }

  document.addEventListener("DOMContentLoaded", () => {
    for (const form of document.querySelectorAll("main form")) {
      settle(form);
      exclusive(form);
      keepRows(form);
      form.addEventListener("input", () => follow(form));
      if (form.dataset.draft) keepDraft(form);
    }
    document.addEventListener("click", (event) => {
      const button = event.target.closest("button[data-now], button[data-set]");
      if (button?.dataset.now) set(button.dataset.now, localNow());
      if (button?.dataset.set) set(button.dataset.set, button.dataset.value).focus();
    });
    for (const button of document.querySelectorAll("[data-print]")) {
      button.hidden = false;
      button.addEventListener("click", () => window.print());
    }
    document.querySelector(".summary[tabindex]")?.focus();
  });
})();
