"use strict";
// What pages do beyond links and forms. Names of columns, levels, files and models only ever become text nodes.

const mark = document.body.dataset.mark || "";

// ---- small things
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  const said = document.getElementById("copied");
  try {
    await navigator.clipboard.writeText(source.textContent);
    said.textContent = "Copied.";
  } catch {
    getSelection().selectAllChildren(source); // no clipboard: it is selected, ready for the keyboard
    said.textContent = "Selected: press Ctrl+C.";
  }
});
document.addEventListener("submit", (event) => {
  const sentence = event.submitter && event.submitter.dataset.confirm;
  if (sentence && !confirm(sentence)) event.preventDefault();
});
const problems = document.getElementById("problems");
if (problems) problems.focus();

// ---- charts
const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
function paint(doc) {
  const text = ink("--ink"), line = ink("--line"), faint = ink("--faint");
  for (const model of doc._all_models.values()) {
    for (const [name, value] of [
      ["axis_label_text_color", text], ["major_label_text_color", text], ["label_text_color", text], ["text_color", text],
      ["axis_line_color", faint], ["major_tick_line_color", faint], ["minor_tick_line_color", null],
      ["grid_line_color", line], ["outline_line_color", line],
    ]) if (name in model) model[name] = value;
  }
}
const drawn = [];
async function draw() {
  if (typeof Bokeh === "undefined") return;
  for (const place of document.querySelectorAll("[data-chart]")) {
    const item = JSON.parse(place.querySelector("script").textContent);
    const views = await Bokeh.embed.embed_item(item, place);
    const doc = [...views][0].model.document;
    drawn.push(doc);
    paint(doc);
  }
  document.body.dataset.charts = drawn.length;
}
const charted = draw();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawn.forEach(paint));

// ---- a job that goes on
const job = document.querySelector("[data-job]");
const lost = document.getElementById("lost");
async function ask(address, options) {
  // Answers are awaited, but not for ever: a server that is gone must be told.
  const answer = await fetch(address, { ...options, signal: AbortSignal.timeout(10000), headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(answer.status);
  return answer.json();
}
function follow() {
  const show = Object.fromEntries([...job.querySelectorAll("[data-show]")].map((one) => [one.dataset.show, one]));
  const table = document.querySelector("#history tbody");
  const begun = table ? table.rows.length : 0;
  let seen = begun;
  const look = async () => {
    let found;
    try {
      found = await ask(`/job/state?number=${job.dataset.job}&from=${seen}`);
      lost.hidden = true;
    } catch {
      lost.hidden = false;
      setTimeout(look, 2000);
      return;
    }
    show.share.value = found.share;
    for (const name of ["percent", "took", "note", "state"]) if (show[name].textContent !== found[name]) show[name].textContent = found[name];
    show.stop.hidden = !found.stop;
    if (found.state !== "running") { found.result ? location.replace(found.result) : location.reload(); return; }
    if (found.rows.length && !table) { location.reload(); return; } // the history begins: the page has a chart for it
    if (found.rows.length) add(found, table);
    seen += found.rows.length;
    setTimeout(look, 1000);
  };
  setTimeout(look, 500);
}
function add(found, table) {
  for (const cells of found.rows) {
    const row = table.insertRow();
    for (const cell of cells) { const made = row.insertCell(); made.className = "n"; made.textContent = cell; }
  }
  for (const doc of drawn) for (const source of doc._all_models.values()) {
    const points = found.values.filter((one) => source.name && source.name in one);
    if (points.length) source.stream({ x: points.map((one) => one.epochs), y: points.map((one) => one[source.name]) });
  }
}
if (job && job.dataset.state === "running") charted.finally(follow); // rows that come before a chart is there would miss it

// ---- the form of a model: what applies, and what is wrong, while it is filled in
const form = document.querySelector("form[data-check]");
if (form) {
  let waiting = 0;
  const check = async () => {
    const ours = ++waiting;
    let found;
    try { found = await ask(form.dataset.check, { method: "POST", body: new URLSearchParams(new FormData(form)) }); } catch { return; }
    if (ours !== waiting) return; // a later change asked again
    for (const field of form.querySelectorAll("[data-field]")) {
      const off = found.off.includes(field.dataset.field);
      field.hidden = off;
      for (const input of field.querySelectorAll("input, select, textarea")) input.disabled = off;
      tell(field, found.errors[field.dataset.field]);
    }
    for (const part of form.querySelectorAll("[data-part]")) part.hidden = [...part.querySelectorAll("[data-field]")].every((one) => one.hidden);
  };
  form.addEventListener("change", (event) => {
    if (event.target.dataset.again !== undefined) { form.querySelector("[name=again]").click(); return; }
    check();
  });
  form.querySelectorAll("[name=again]").forEach((one) => { one.hidden = true; });
}
function tell(field, sentence) {
  const name = field.dataset.field, input = field.querySelector("input, select, textarea");
  let place = document.getElementById(`e-${name}`);
  if (!sentence) {
    if (place) place.remove();
    input.removeAttribute("aria-invalid");
    return;
  }
  if (!place) {
    place = document.createElement("p");
    place.id = `e-${name}`;
    place.className = "error";
    field.append(place);
    input.setAttribute("aria-describedby", `${input.getAttribute("aria-describedby") || ""} ${place.id}`.trim());
  }
  place.textContent = sentence;
  input.setAttribute("aria-invalid", "true");
}
