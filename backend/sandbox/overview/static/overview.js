// The server renders everything: fetch the page again and swap the parts that changed.
const offline = document.getElementById("offline");

async function refresh() {
  let text;
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    if (!answer.ok) throw new Error(answer.statusText);
    text = await answer.text();
  } catch {
    offline.hidden = false;
    return;
  }
  offline.hidden = true;
  const fresh = new DOMParser().parseFromString(text, "text/html");
  for (const part of document.querySelectorAll("[data-part]")) {
    const next = fresh.querySelector(`[data-part="${part.dataset.part}"]`);
    if (next && !next.isEqualNode(withoutOpen(part))) swap(part, next);
  }
}

// What a reader opened and how far they scrolled is theirs, not news.
function withoutOpen(part) {
  const copy = part.cloneNode(true);
  for (const details of copy.querySelectorAll("details")) details.removeAttribute("open");
  return copy;
}

function swap(part, next) {
  const open = [...part.querySelectorAll("details[open]")].map((details) => details.dataset.key);
  const top = part.querySelector(".rows")?.scrollTop ?? 0;
  part.replaceWith(next);
  for (const key of open) next.querySelector(`details[data-key="${key}"]`)?.setAttribute("open", "");
  const rows = next.querySelector(".rows");
  if (rows) rows.scrollTop = top;
}

async function change(form, method, wish) {
  const problem = form.querySelector(".problem");
  problem.hidden = true;
  try {
    const answer = await fetch("_control/faults", {
      method,
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ system: form.dataset.system, ...wish }),
    });
    if (!answer.ok) throw new Error(await answer.text());
  } catch (error) {
    problem.textContent = `没有成功：${error.message}`;
    problem.hidden = false;
  }
  await refresh();
}

const number = (text) => (text === "" ? null : Number(text));

for (const form of document.querySelectorAll("form[data-system]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const { name, times, value } = form.elements;
    change(form, "POST", { name: name.value, times: number(times.value), value: number(value.value) });
  });
  form.addEventListener("click", (event) => {
    const button = event.target.closest("[data-clear]");
    if (button) change(form, "DELETE", { name: button.dataset.clear || null });
  });
}

setInterval(() => document.hidden || refresh(), 2000);
document.addEventListener("visibilitychange", () => document.hidden || refresh());
