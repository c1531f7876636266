"use strict";

// Charts say their clock times in the visitor's own zone, and the values of the column that is pointed at.
function charts(within) {
  const form = new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
  for (const time of within.querySelectorAll("time[data-clock]")) {
    time.textContent = form.format(new Date(time.dateTime));
    time.dataset.said = "";
  }
  for (const column of within.querySelectorAll(".column:not([data-said])")) {
    const title = column.querySelector("title");
    const values = title.textContent.slice(title.textContent.indexOf("UTC: ") + 5);
    title.textContent = form.format(new Date(column.dataset.at)) + ": " + values;
    column.dataset.said = "";
  }
  for (const chart of within.querySelectorAll(".chart")) {
    const readout = chart.querySelector(".readout");
    chart.addEventListener("pointerover", (event) => {
      const title = event.target.closest?.(".column")?.querySelector("title");
      if (title) readout.textContent = title.textContent;
    });
    chart.addEventListener("pointerleave", () => { readout.textContent = "\u00a0"; });
  }
}

// Times are said in the visitor's own zone.
function localTimes(within) {
  const form = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "medium" });
  for (const time of within.querySelectorAll("time[datetime]:not([data-said])")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    time.title = time.textContent;
    time.textContent = form.format(at);
    time.dataset.said = "";
  }
}

// A countdown says how long it is until a time, each second.
function countdowns() {
  for (const place of document.querySelectorAll("[data-until]")) {
    const left = Math.round((new Date(place.dataset.until) - Date.now()) / 1000);
    if (Number.isNaN(left)) {
      place.textContent = "";
      continue;
    }
    const days = Math.floor(left / 86400), hours = Math.floor(left / 3600) % 24, minutes = Math.floor(left / 60) % 60, seconds = left % 60;
    place.textContent = left <= 0 ? place.dataset.now
      : (days ? days + " " + document.body.dataset.days + " " + hours + " h" : hours ? hours + " h " + minutes + " min" : minutes ? minutes + " min " + seconds + " s" : seconds + " s");
  }
}

// Choices are sections of which one is shown, chosen by tabs. The choice is kept for the next page.
function choices(within) {
  for (const group of within.querySelectorAll("[data-choices]:not([data-ready])")) {
    const sections = [...group.querySelectorAll("[data-choice]")];
    const tabs = document.createElement("div");
    tabs.className = "tabs";
    tabs.setAttribute("role", "tablist");
    tabs.setAttribute("aria-label", document.body.dataset.languages);
    const buttons = sections.map((section) => {
      const button = document.createElement("button");
      button.type = "button";
      button.id = section.id + "-tab";
      button.textContent = section.dataset.choice;
      button.setAttribute("role", "tab");
      button.setAttribute("aria-controls", section.id);
      section.setAttribute("role", "tabpanel");
      tabs.append(button);
      return button;
    });
    const choose = (chosen) => {
      sections.forEach((section, i) => {
        section.hidden = i !== chosen;
        buttons[i].setAttribute("aria-selected", String(i === chosen));
        buttons[i].tabIndex = i === chosen ? 0 : -1;
      });
      try { localStorage.setItem("saumer-choice", sections[chosen].dataset.choice); } catch { /* it is not kept, then */ }
    };
    buttons.forEach((button, i) => {
      button.addEventListener("click", () => choose(i));
      button.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step) return;
        event.preventDefault();
        const next = (i + step + buttons.length) % buttons.length;
        choose(next);
        buttons[next].focus();
      });
    });
    group.prepend(tabs);
    group.dataset.ready = "";
    let kept = null;
    try { kept = localStorage.getItem("saumer-choice"); } catch { /* nothing was kept */ }
    choose(Math.max(0, sections.findIndex((section) => section.dataset.choice === kept)));
  }
}

async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  const text = source.textContent;
  let done = true;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without https there is no clipboard to write to; a selection can be copied all the same.
    const range = document.createRange();
    range.selectNodeContents(source);
    const selection = getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
    done = document.execCommand("copy");
  }
  const label = button.dataset.label || button.textContent;
  button.dataset.label = label;
  button.textContent = done ? document.body.dataset.copied : document.body.dataset.press;
  setTimeout(() => { button.textContent = label; }, 2000);
}

// The sample code follows what is typed.
function samples(form) {
  const place = document.getElementById("samples");
  let timer, asked = 0;
  const ask = async () => {
    const mine = ++asked;
    const values = new URLSearchParams(new FormData(form));
    values.delete("form");
    try {
      const answer = await fetch(form.dataset.samples + "?" + values, { redirect: "error" });
      if (!answer.ok || mine !== asked) return;
      place.innerHTML = await answer.text();
      choices(place);
    } catch { /* the code stays as it was */ }
  };
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, 250);
  });
  for (const button of form.querySelectorAll(".without-script")) button.hidden = true;
  if (place) ask();
}

// Renew asks for the page again and puts its parts in place of those shown. What somebody writes in, or has opened, stays
// unless the state has changed.
let renewing = false;
async function renew(changed) {
  if (renewing || document.visibilityState !== "visible") return;
  renewing = true;
  try {
    const answer = await fetch(location.href, { redirect: "error" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of document.querySelectorAll("[data-part]")) {
      const fresh = page.querySelector('[data-part="' + part.dataset.part + '"]');
      const name = part.dataset.part;
      const active = document.activeElement;
      const held = part.contains(active) && (!changed || active.matches("input, select, textarea"));
      if (!fresh || held || (!changed && (name === "said" || name === "do"))) continue;
      part.innerHTML = fresh.innerHTML;
      localTimes(part);
      choices(part);
      zones(part);
    }
    countdowns();
  } catch { /* the live view says that there is no contact */ }
  renewing = false;
}

// A view that hears nothing for a while says from when it is.
function contact(view) {
  let timer, heard = Date.now();
  const lose = () => {
    for (const place of view.querySelectorAll("[data-lost]")) {
      place.hidden = false;
      place.querySelector("time").textContent = new Intl.DateTimeFormat(document.documentElement.lang, { timeStyle: "medium" }).format(heard);
    }
  };
  return {
    hear() {
      heard = Date.now();
      clearTimeout(timer);
      timer = setTimeout(lose, 40000);
      for (const place of view.querySelectorAll("[data-lost]")) place.hidden = true;
    },
    miss() {
      clearTimeout(timer);
      timer = setTimeout(lose, 2000);
    },
    end() { clearTimeout(timer); },
  };
}

// A live view takes what the server sends: texts for its fields, the state, and the progress. The rest of the page follows.
function live(view) {
  const source = new EventSource(view.dataset.live);
  const link = contact(view);
  let state = null, renewed = Date.now();
  const follow = (changed) => {
    if (!changed && Date.now() - renewed < 3000) return;
    renewed = Date.now();
    if ("once" in view.dataset) {
      if (changed) location.reload();
      return;
    }
    renew(changed);
  };
  if (!("once" in view.dataset)) setInterval(() => { if (Date.now() - renewed > 9000) follow(false); }, 1000);
  source.addEventListener("error", () => link.miss());
  source.addEventListener("open", () => link.hear());
  source.addEventListener("here", () => link.hear());
  source.addEventListener("status", (event) => {
    link.hear();
    const status = JSON.parse(event.data);
    const before = state;
    state = status.state + status.label;
    for (const [name, text] of Object.entries(status.fields)) {
      for (const place of view.querySelectorAll('[data-field="' + name + '"]')) {
        if (place.textContent !== text) place.textContent = text;
      }
    }
    for (const place of view.querySelectorAll("[data-state]")) {
      place.className = "state " + status.state;
      place.textContent = status.label;
    }
    for (const place of view.querySelectorAll("[data-until]")) place.dataset.until = status.next;
    countdowns();
    for (const place of view.querySelectorAll("[data-progress]")) {
      place.hidden = !status.total;
      const bar = place.querySelector("progress");
      bar.max = status.total || 1;
      bar.value = status.done;
    }
    for (const place of view.querySelectorAll("[data-due]")) {
      place.hidden = !status.due;
      const clock = new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
      if (status.due) place.textContent = place.dataset.words.replace("{time}", clock.format(new Date(status.due)));
    }
    if (status.finished && "once" in view.dataset) {
      source.close();
      link.end();
    } else if (before !== null) {
      follow(before !== state);
    }
  });
}

// Times of a form are in the visitor's zone, as those of the page are.
function zones(within) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!zone) return;
  for (const place of within.querySelectorAll("[data-zone]")) place.textContent = document.body.dataset.inZone.replace("{zone}", zone);
  for (const field of within.querySelectorAll("input[type=hidden][name=zone]")) field.value = zone;
  const list = within.querySelector("#zones");
  if (list) list.replaceChildren(...Intl.supportedValuesOf("timeZone").map((name) => new Option(name, name)));
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button.copy");
  if (button) copy(button);
});
document.addEventListener("submit", (event) => {
  const asked = event.submitter?.dataset.ask || event.target.dataset.ask;
  if (asked && !confirm(asked)) event.preventDefault();
});

charts(document);
localTimes(document);
zones(document);
choices(document);
for (const form of document.querySelectorAll("form[data-samples]")) samples(form);
for (const view of document.querySelectorAll("[data-live]")) live(view);
countdowns();
setInterval(countdowns, 1000);
